import { rm } from 'node:fs/promises';
import { SandboxError } from '@gantry/core/driver';
import { openWorkDirectories } from './copy-on-write/overlay.ts';
import { runProgram } from './run-program.ts';

/** Removes a directory with all that is in it. rm(1) works on names that are not UTF-8, which Node's own removal cannot. */
export async function removeTree(directory: string): Promise<void> {
  openWorkDirectories(directory);
  const first = await runProgram(['rm', '-rf', '--', directory]);
  if (first.code === 0) return;
  // Without rm(1) there was no sandbox either, so no names but our own.
  if (first.code === null) return rm(directory, { recursive: true, force: true });
  // An ordinary user cannot look into directories that a guest has closed.
  await runProgram(['chmod', '-R', 'u+rwX', '--', directory]);
  const second = await runProgram(['rm', '-rf', '--', directory]);
  if (second.code === 0) return;
  throw new SandboxError('unavailable', `${directory} could not be removed: ${second.output}`, {
    details: { directory },
  });
}
