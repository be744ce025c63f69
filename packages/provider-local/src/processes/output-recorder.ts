import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { DetachedFiles, OutputName } from './detached-files.ts';

/** At least `segmentBytes * (keptSegments - 1)` bytes of each output are kept: 1 MiB. */
const segmentBytes = 512 * 1024;
const keptSegments = 3;

/**
 * Keeps the latest bytes of one output in files, each named by the offset of its first byte, until the
 * output ends. Never lets the writer wait for a reader.
 */
export async function recordOutput(
  files: DetachedFiles,
  output: OutputName,
  stream: ReadableStream<Uint8Array>,
): Promise<void> {
  const starts: number[] = [];
  let descriptor: number | undefined;
  let size = 0;
  let lost: string | undefined;
  const next = (): number => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = openSync(files.segment(output, size), 'wx', 0o600);
    starts.push(size);
    for (const old of starts.splice(0, Math.max(0, starts.length - keptSegments))) {
      rmSync(files.segment(output, old), { force: true });
    }
    return descriptor;
  };
  const append = (bytes: Uint8Array): void => {
    for (let rest = bytes; rest.length > 0;) {
      const used = size - (starts.at(-1) ?? 0);
      const file = descriptor === undefined || used >= segmentBytes ? next() : descriptor;
      const room = segmentBytes - (size - (starts.at(-1) ?? 0));
      const written = writeSync(file, rest.subarray(0, room));
      size += written;
      rest = rest.subarray(written);
    }
  };
  try {
    for await (const bytes of stream) {
      // Read on in any case: the process must not wait for a full disk of the host.
      if (lost !== undefined) continue;
      try {
        append(bytes);
      } catch (error) {
        lost = `it could not be kept: ${String(error)}`;
      }
    }
  } catch (error) {
    lost ??= `the link to the sandbox broke: ${String(error)}`;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  files.writeOutputEnd(output, lost === undefined ? { size } : { size, lost });
}
