import { randomUUID } from 'node:crypto';
import { finished, Readable } from 'node:stream';
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
      return wholeFile(stream, () => announced);
    } finally {
      if (!plain) await runSandboxScript(sandbox, 'rm -f -- "$1"', [place]);
    }
  },
};

/** Bytes that wait for a reader; then the SDK is made to wait. */
const bufferedBytes = 1024 * 1024;

/**
 * The bytes of a stream of the SDK's; what breaks it is told in our words. The vendor's answer is a form whose boundary a file
 * may hold, and which then ends the file for the SDK: it must have the length that was announced.
 */
function wholeFile(
  stream: Readable,
  announced: () => number | undefined,
): ReadableStream<Uint8Array> {
  let received = 0;
  // One that nobody wants any more may hand out what it had read already.
  let wanted = true;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stream.on('data', (chunk: Uint8Array) => {
          if (!wanted) return;
          received += chunk.length;
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) stream.pause();
        });
        finished(stream, { writable: false }, (error) => {
          if (!wanted) return;
          wanted = false;
          const length = announced() ?? received;
          const short = received === length ? undefined : `${received} bytes came of ${length}`;
          if (error) controller.error(named(error));
          else if (short !== undefined) controller.error(broken(short));
          else controller.close();
        });
      },
      pull: () => void stream.resume(),
      cancel() {
        wanted = false;
        stream.destroy();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
  );
}

function named(error: Error): SandboxError {
  const said = fromVendor(error);
  return SandboxError.is(said) ? said : broken(error.message, error);
}

function broken(why: string, cause?: unknown): SandboxError {
  const message = `the download broke: ${why}`;
  return new SandboxError('unavailable', message, { cause, outcome: 'unknown' });
}

function newPath(): string {
  return `/tmp/.gantry-${randomUUID()}`;
}
