import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A private directory of the host that is removed, with all in it, when disposed. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Makes one below `parent`, by default the system's directory for temporary files. */
export async function temporaryDirectory(
  purpose: string,
  parent: string = os.tmpdir(),
): Promise<TemporaryDirectory> {
  const directory = await mkdtemp(path.join(parent, `.gantry-${purpose}-`));
  return {
    path: directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true, maxRetries: 3 }),
  };
}
