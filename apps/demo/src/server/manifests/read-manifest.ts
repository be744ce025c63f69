import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadManifest, type Manifest } from '@gantry/core/manifest';

/** Where relative sources of a manifest start: where the demo was started. */
export const baseDirectory: string = process.cwd();

/** The manifest of a text in YAML or JSON. Rejects with `invalid-argument`; `details.problems` says line and column of each. */
export async function readManifest(text: string): Promise<Manifest> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-demo-'));
  try {
    // The library reads files: that is how a problem gets its line.
    const file = path.join(directory, 'manifest.yaml');
    await writeFile(file, text);
    return await loadManifest(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}
