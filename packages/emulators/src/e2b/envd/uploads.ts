import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Busboy } from '@fastify/busboy';
import type { Sandbox } from '@gantry/core';
import type { WireRequest } from '../../chassis/listener.ts';
import { ApiError } from '../api-error.ts';
import { guestPath } from './guest-path.ts';

/** Writes the files of an upload, a form or the body itself, and returns their paths. */
export async function writeUpload(
  sandbox: Sandbox,
  request: WireRequest,
  path: string | undefined,
): Promise<readonly string[]> {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('multipart/form-data')) return writeForm(sandbox, request, type, path);
  if (path === undefined) throw new ApiError(400, 'there is no path');
  const file = guestPath(path);
  await sandbox.files.write(file, unzipped(request));
  return [file];
}

async function writeForm(
  sandbox: Sandbox,
  request: WireRequest,
  type: string,
  path: string | undefined,
): Promise<readonly string[]> {
  const form = new Busboy({ headers: { 'content-type': type }, preservePath: true });
  const written: string[] = [];
  const writes: Promise<void>[] = [];
  form.on('file', (_field, stream, name) => {
    const file = guestPath(path ?? unescaped(name));
    if (written.includes(file)) {
      stream.resume();
      writes.push(Promise.reject(new ApiError(400, `duplicate file in the form: ${file}`)));
    } else {
      written.push(file);
      writes.push(writeOne(sandbox, file, stream));
    }
    // Looked at below; until then it must not end the process.
    writes.at(-1)?.catch(() => undefined);
  });
  const finished = once(form, 'finish');
  await Promise.all([pipeline(unzipped(request), form), finished]);
  await Promise.all(writes);
  if (written.length === 0) throw new ApiError(400, 'there is no file in the form');
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

function unzipped(request: WireRequest): Readable {
  return request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
}

/** Forms write these three characters of a name so, and no others (WHATWG HTML, multipart/form-data). */
function unescaped(name: string): string {
  return name.replace(/%(22|0A|0D)/gi, (code) => decodeURIComponent(code));
}
