import type { CapturedOutput } from '../contract/sandbox.ts';
import { concatBytes } from './byte-source.ts';
import type { ReadOutput } from './drained.ts';

/** One output being read to its end, of which the first `limit` bytes are kept. */
export interface Capture extends ReadOutput {
  /** When the last bytes arrived: from then on more are waited for. */
  waitingSince(): number;
  result(): CapturedOutput;
  /** Stops reading. What a live writer then does is its own affair (SIGPIPE). */
  letGo(): Promise<void>;
}

/** Reads a stream to its end, so that its writer never blocks, and keeps a bounded part of it. */
export function captureOutput(stream: ReadableStream<Uint8Array>, limit: number): Capture {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let kept = 0;
  let total = 0;
  let last = performance.now();
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      last = performance.now();
      total += value.length;
      if (kept >= limit) continue;
      const part = value.subarray(0, limit - kept);
      chunks.push(part);
      kept += part.length;
    }
  };
  return {
    ended: read(),
    waitingSince: () => last,
    result: () => new Captured(concatBytes(chunks), total),
    letGo: () => reader.cancel(),
  };
}

class Captured implements CapturedOutput {
  readonly bytes: Uint8Array;
  readonly totalBytes: number;
  readonly truncated: boolean;

  constructor(bytes: Uint8Array, totalBytes: number) {
    this.bytes = bytes;
    this.totalBytes = totalBytes;
    this.truncated = totalBytes > bytes.length;
  }

  /** Decoded on demand: most outputs of most commands are never looked at as text. */
  get text(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes);
  }
}
