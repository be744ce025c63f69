import type { Sandbox } from '@gantry/core';
import { describeEntry, isFile } from '../../chassis/guest-entries.ts';
import { ApiError, errorBody, toApiError } from '../api-error.ts';
import { guestPath } from './toolbox-call.ts';
import { toFileError, withFile } from './file-error.ts';

const boundary = 'DAYTONA-FILE-BOUNDARY';

/** What the answer to a bulk download is. */
export const downloadType: string = `multipart/form-data; boundary=${boundary}`;

/** A file to read, once it is certain that it is one. */
export async function openFile(
  sandbox: Sandbox,
  given: string,
): Promise<{ size: number; contents: ReadableStream<Uint8Array> }> {
  const path = guestPath(given);
  return withFile(path, async () => {
    const entry = await describeEntry(sandbox, path);
    if (!isFile(entry)) throw new ApiError(400, `path is not a file: ${path}`, 'INVALID_FILE_PATH');
    const size = entry.targetSize;
    // Never more than was announced, though the file may have grown meanwhile. The kernel's own files say 0 of any length.
    const range = size === 0 ? {} : { offset: 0, length: size };
    return { size, contents: await sandbox.files.read(path, range) };
  });
}

/** The files of a bulk download, one part each: its bytes, or what is wrong with it. */
export async function* downloadParts(
  sandbox: Sandbox,
  paths: readonly string[],
): AsyncGenerator<Uint8Array, void> {
  for (const path of paths) {
    const opened = await openFile(sandbox, path).catch((error: unknown) => toApiError(error));
    if (opened instanceof ApiError) {
      yield head('error', path, 'application/json');
      const about = { path: '/files/bulk-download', method: 'POST' };
      yield Buffer.from(JSON.stringify(errorBody(opened, 'DAYTONA_DAEMON', about)));
    } else {
      yield head('file', path, 'application/octet-stream', opened.size);
      yield* readWhole(opened.contents, opened.size, path);
    }
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

/** A file that got shorter meanwhile must not pass for a whole one. */
async function* readWhole(
  contents: ReadableStream<Uint8Array>,
  size: number,
  path: string,
): AsyncGenerator<Uint8Array, void> {
  let left = size;
  try {
    for await (const chunk of contents) {
      left -= chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw toFileError(error, path);
  }
  if (size > 0 && left > 0) throw new ApiError(500, `${path} got shorter`, 'FILE_READ_FAILED');
}

function head(name: 'file' | 'error', path: string, type: string, size?: number): Buffer {
  const quoted = path.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const plain = /^[\x20-\x7e]*$/.test(path);
  const file = plain ? `filename="${quoted}"` : `filename*=utf-8''${encodeURIComponent(path)}`;
  const lines = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${name}"; ${file}`,
    `Content-Type: ${type}`,
    ...(size === undefined || size === 0 ? [] : [`Content-Length: ${size}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}
