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
      const stream = await withVendor(() => sandbox.fs.downloadFileStream(place, { signal }));
      return ReadableStream.from(whole(stream));
    } finally {
      if (!plain) await runSandboxScript(sandbox, 'rm -f -- "$1"', [place]);
    }
  },
};

/** The bytes of a stream of the SDK's; what breaks it is told in our words. */
async function* whole(stream: Readable): AsyncGenerator<Uint8Array, void> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    const said = fromVendor(error);
    if (SandboxError.is(said)) throw said;
    const message = `the download broke: ${error instanceof Error ? error.message : String(error)}`;
    throw new SandboxError('unavailable', message, { cause: error, outcome: 'unknown' });
  }
}

function newPath(): string {
  return `/tmp/.gantry-${randomUUID()}`;
}
