import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileNameOf } from './catalog.ts';
import type { CatalogDocument } from './catalog.ts';

/** The name of the document that the job breaks itself. */
export const malformedName = 'malformed/cut-in-the-middle';

/**
 * Writes a copy of a document, cut off in the middle, into `directory` and returns it as a document
 * whose extraction must fail.
 */
export async function makeMalformed(
  document: CatalogDocument,
  directory: string,
): Promise<CatalogDocument> {
  const whole = await readFile(document.file);
  const bytes = whole.subarray(0, Math.floor(whole.length / 2));
  const file = path.join(directory, `${fileNameOf(malformedName)}${path.extname(document.file)}`);
  await mkdir(directory, { recursive: true });
  await writeFile(file, bytes);
  return {
    name: malformedName,
    file,
    path: document.path,
    aliases: [],
    format: document.format,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    expected: 'malformed',
  };
}
