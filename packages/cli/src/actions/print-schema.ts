import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { print } from '../output/print.ts';

/** `gantry manifest schema`: the published JSON Schema. Returns the exit code. */
export async function printSchema(): Promise<number> {
  const path = fileURLToPath(import.meta.resolve('@gantry/core/manifest.schema.json'));
  print(await readFile(path, 'utf8'));
  return 0;
}
