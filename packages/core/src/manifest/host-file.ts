import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Call } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { nameText } from './byte-name.ts';
import { hostError } from './host-error.ts';

const chunkBytes = 256 * 1024;

/** What identifies a file of the host at one moment. */
export interface HostFileFacts {
  readonly mode: number;
  readonly size: number;
  readonly modifiedSeconds: number;
  readonly sha256: string;
}

/**
 * The bytes of a regular file, in chunks. The last component is not followed if it is a symbolic link,
 * and a fifo that took the file's place does not block.
 */
export async function* readHostFile(
  path: Uint8Array,
  operation: string,
  call: Call,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using file = await openRegular(path, operation);
  yield* readHandle(file, path, operation, call);
}

async function* readHandle(
  file: FileHandle,
  path: Uint8Array,
  operation: string,
  call: Call,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      call.signal.throwIfAborted();
      const chunk = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await file.read(chunk, 0, chunkBytes);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } catch (error) {
    throw hostError(error, operation, nameText(path));
  }
}

/** Reads a regular file once, from front to back, for its size and digest. */
export async function digestHostFile(
  path: Uint8Array,
  operation: string,
  call: Call,
): Promise<HostFileFacts> {
  const hash = createHash('sha256');
  let size = 0;
  await using file = await openRegular(path, operation);
  for await (const chunk of readHandle(file, path, operation, call)) {
    hash.update(chunk);
    size += chunk.length;
  }
  const { mode, mtimeMs } = await file.stat();
  const modifiedSeconds = Math.max(0, Math.floor(mtimeMs / 1000));
  return { mode: mode & 0o777, size, modifiedSeconds, sha256: hash.digest('hex') };
}

async function openRegular(path: Uint8Array, operation: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const name = nameText(path);
  let file: FileHandle;
  try {
    file = await open(Buffer.from(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw hostError(error, operation, name);
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new SandboxError('failed-precondition', `${name} is not a regular file`, { operation });
}
