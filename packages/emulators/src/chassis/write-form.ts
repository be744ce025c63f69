import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import type { Sandbox } from '@gantry/core';

/** Where a file of a form goes: by its field, its file name, and the text fields that came before it. */
export type FormPlace = (
  field: string,
  name: string,
  fields: ReadonlyMap<string, string>,
) => string;

/** Writes the files of an upload form as they arrive, and returns their paths. `place` may throw to refuse one. */
export async function writeForm(
  sandbox: Sandbox,
  source: Readable,
  contentType: string,
  place: FormPlace,
): Promise<readonly string[]> {
  const form = new Busboy({ headers: { 'content-type': contentType }, preservePath: true });
  const fields = new Map<string, string>();
  const written: string[] = [];
  const writes: Promise<void>[] = [];
  form.on('field', (field, value) => void fields.set(field, value));
  form.on('file', (field, stream, name) => {
    try {
      const file = place(field, name, fields);
      written.push(file);
      writes.push(writeOne(sandbox, file, stream));
    } catch (error) {
      stream.resume();
      writes.push(Promise.reject(error instanceof Error ? error : new Error(String(error))));
    }
    // Looked at below; until then it must not end the process.
    writes.at(-1)?.catch(() => undefined);
  });
  const finished = once(form, 'finish');
  await Promise.all([pipeline(source, form), finished]);
  await Promise.all(writes);
  return written;
}

/** Reads on when the write fails: the rest of the form comes after. */
async function writeOne(sandbox: Sandbox, file: string, stream: Readable): Promise<void> {
  try {
    await sandbox.files.write(file, stream);
  } finally {
    stream.resume();
  }
}
