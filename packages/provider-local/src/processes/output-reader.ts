import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SandboxError } from '@gantry/core/driver';
import { isErrno } from '../errors.ts';
import type { DetachedFiles, OutputName } from './detached-files.ts';

const chunkBytes = 64 * 1024;

/** What a reader needs of the process whose output it reads. */
export interface OutputSource {
  readonly files: DetachedFiles;
  /** Whether nothing is recorded any more. */
  readonly over: () => boolean;
  /** Resolves when there may be more. */
  readonly change: () => Promise<void>;
}

/**
 * A kept output from an offset on, until its end. Errors with `data-loss` when the process writes more
 * than is kept before it is read. `finished` is called once, when nobody reads any more.
 */
export function readOutput(
  { files, over, change }: OutputSource,
  output: OutputName,
  offset: number,
  finished: () => void,
): ReadableStream<Uint8Array> {
  let position = offset;
  let stopped = false;
  const stop = (): void => {
    if (!stopped) finished();
    stopped = true;
  };
  const next = (): Uint8Array | 'end' | undefined => {
    // In this order: what is recorded after the first look is seen by the last.
    const done = over();
    const end = files.outputEnd(output);
    const bytes = readAt(files, output, position);
    if (bytes) position += bytes.length;
    else if (end?.lost !== undefined) throw lostBytes(output, end.size, end.lost);
    else if (end) return 'end';
    else if (done) throw lostBytes(output, position, 'the process that keeps it has ended');
    return bytes;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (let bytes = next(); ; bytes = next()) {
            if (bytes === 'end') {
              stop();
              return controller.close();
            }
            if (bytes) return controller.enqueue(bytes);
            await change();
            if (stopped) return;
          }
        } catch (error) {
          stop();
          throw error;
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}

/** The offset of the first byte of an output that is still there. */
export function firstOffset(files: DetachedFiles, output: OutputName): number {
  return files.segments(output)[0] ?? 0;
}

/** Some bytes at an offset; `undefined` where there are none yet. Throws `data-loss` when they are gone. */
function readAt(
  files: DetachedFiles,
  output: OutputName,
  position: number,
): Uint8Array | undefined {
  for (;;) {
    const starts = files.segments(output);
    const start = starts.findLast((one) => one <= position);
    if (start === undefined) {
      if (starts.length === 0) return undefined;
      throw lostBytes(output, position, `only what follows offset ${starts[0]} is kept`);
    }
    let descriptor: number;
    try {
      descriptor = openSync(files.segment(output, start), 'r');
    } catch (error) {
      // Dropped since it was listed.
      if (isErrno(error, 'ENOENT')) continue;
      throw error;
    }
    try {
      const { size } = fstatSync(descriptor);
      if (position >= start + size) return undefined;
      const bytes = new Uint8Array(Math.min(chunkBytes, start + size - position));
      return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, position - start));
    } finally {
      closeSync(descriptor);
    }
  }
}

function lostBytes(output: OutputName, offset: number, reason: string): SandboxError {
  const message = `${output} from offset ${offset} on is lost: ${reason}`;
  return new SandboxError('data-loss', message, { details: { output, offset } });
}
