import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Sandbox } from '@gantry/core';
import type { WireRequest } from '../../chassis/listener.ts';
import { writeForm } from '../../chassis/write-form.ts';
import { ApiError } from '../api-error.ts';
import { guestPath } from './guest-path.ts';

/** Writes the files of an upload, a form or the body itself, and returns their paths. */
export async function writeUpload(
  sandbox: Sandbox,
  request: WireRequest,
  path: string | undefined,
): Promise<readonly string[]> {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('multipart/form-data')) {
    const places = new Set<string>();
    const written = await writeForm(sandbox, unzipped(request), type, (_field, name) => {
      const file = guestPath(path ?? unescaped(name));
      if (places.has(file)) throw new ApiError(400, `duplicate file in the form: ${file}`);
      places.add(file);
      return file;
    });
    if (written.length === 0) throw new ApiError(400, 'there is no file in the form');
    return written;
  }
  if (path === undefined) throw new ApiError(400, 'there is no path');
  const file = guestPath(path);
  await sandbox.files.write(file, unzipped(request));
  return [file];
}

function unzipped(request: WireRequest): Readable {
  return request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
}

/** Forms write these three characters of a name so, and no others (WHATWG HTML, multipart/form-data). */
function unescaped(name: string): string {
  return name.replace(/%(22|0A|0D)/gi, (code) => decodeURIComponent(code));
}
