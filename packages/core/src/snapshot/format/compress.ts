import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { SandboxError } from '../../errors/sandbox-error.ts';

/** Level 1: above it time grows faster than savings. */
export const zstdParameters: Readonly<Record<number, number>> = {
  [constants.ZSTD_c_compressionLevel]: 1,
};

/** Room for the output of the worst case, which is a little longer than the input: a second piece would cost a change of thread. */
export const roomFor = (bytes: number): number => bytes + Math.ceil(bytes / 128) + 1024;

/** One independent zstd frame (RFC 8878), made on another thread. */
export function compressFrame(bytes: Uint8Array): Promise<Buffer<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const options = { params: zstdParameters, chunkSize: roomFor(bytes.length) };
    zstdCompress(bytes, options, (error, frame) => (error ? reject(error) : resolve(frame)));
  });
}

/** The contents of a frame, which must have exactly the promised size: a lying frame must not fill the memory. */
export function decompressFrame(
  frame: Uint8Array,
  size: number,
  object: string,
): Promise<Buffer<ArrayBuffer>> {
  const damaged = (reason: string, cause?: unknown): SandboxError =>
    new SandboxError('data-loss', `${object} is damaged: ${reason}`, {
      details: { object },
      ...(cause === undefined ? {} : { cause }),
    });
  return new Promise((resolve, reject) => {
    // With room for more than there is, zlib sees that it is at the end, and asks for no second piece of memory.
    const limits = { maxOutputLength: Math.max(size, 1), chunkSize: size + 64 };
    zstdDecompress(frame, limits, (error, bytes) => {
      if (error) reject(damaged(`it cannot be decompressed (${error.message})`, error));
      else if (bytes.length !== size) reject(damaged(`it has ${bytes.length} bytes, not ${size}`));
      else resolve(bytes);
    });
  });
}
