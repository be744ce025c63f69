import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type FileTransfer, SandboxError } from '@gantry/core/driver';
import { fromVendor, withVendor } from './errors.ts';
import type { DaytonaHandle } from './handle.ts';
import { runSandboxScript } from './sandbox-script.ts';

/** The vendor's file API: for moving bytes only. */
export const transfer: FileTransfer<DaytonaHandle> = {
  async upload({ sandbox }, contents, { signal }) {
    const path = newPath();
    try {
      const source = Readable.fromWeb(contents);
      await withVendor(() => sandbox.fs.uploadFileStream(source, path, { signal }));
      return path;
    } catch (error) {
      await sandbox.fs.deleteFile(path).catch(() => undefined); // What failed is told.
      throw error;
    }
  },

  async download({ sandbox }, path, { signal }) {
    // The vendor's answer names each file in a header, where not every name survives.
    const plain = /^[\w./ -]+$/.test(path);
    const place = plain ? path : newPath();
    if (!plain) await runSandboxScript(sandbox, 'ln -s -- "$1" "$2"', [path, place]);
    try {
      let announced: number | undefined;
      const onProgress = ({ totalBytes }: { totalBytes?: number }): void =>
        void (announced = totalBytes);
      const stream = await withVendor(() =>
        sandbox.fs.downloadFileStream(place, { signal, onProgress }),
      );
      return ReadableStream.from(whole(stream, () => announced));
    } finally {
      if (!plain) await runSandboxScript(sandbox, 'rm -f -- "$1"', [place]);
    }
  },
};

/**
 * The bytes of a stream of the SDK's; what breaks it is told in our words. The vendor's answer is a form whose boundary a file
 * may hold, and which then ends the file for the SDK: it must have the length that was announced.
 */
async function* whole(
  stream: Readable,
  announced: () => number | undefined,
): AsyncGenerator<Uint8Array, void> {
  let received = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      yield chunk;
    }
  } catch (error) {
    const said = fromVendor(error);
    if (SandboxError.is(said)) throw said;
    throw broken(error instanceof Error ? error.message : String(error), error);
  }
  const length = announced() ?? received;
  if (received === length) return;
  throw broken(`${received} bytes came of a file of ${length}`);
}

function broken(why: string, cause?: unknown): SandboxError {
  const message = `the download broke: ${why}`;
  return new SandboxError('unavailable', message, { cause, outcome: 'unknown' });
}

function newPath(): string {
  return `/tmp/.gantry-${randomUUID()}`;
}
