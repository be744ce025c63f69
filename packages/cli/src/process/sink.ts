import { isUtf8 } from 'node:buffer';

/** Where the bytes of one output go. `write` resolves when it is ready for more. */
export interface Sink {
  write(chunk: Uint8Array): Promise<void>;
}

/** Thrown by a sink that can take nothing more. */
export class SinkFailed extends Error {
  override readonly name = 'SinkFailed';
  override readonly cause: Error;

  constructor(cause: Error) {
    super(`the output cannot be written: ${cause.message}`);
    this.cause = cause;
  }
}

/** Passes bytes on to one of this process's own outputs, no faster than it takes them. */
export function hostSink(stream: NodeJS.WriteStream): Sink {
  return {
    write: (chunk) =>
      new Promise((resolve, reject) => {
        stream.write(chunk, (error) => {
          if (error) reject(new SinkFailed(error));
          else resolve();
        });
      }),
  };
}

/** One output in `--json`: text always, and base64 beside it when the bytes are not UTF-8. */
export interface OutputJson {
  readonly text: string;
  readonly base64?: string;
  readonly totalBytes: number;
  readonly truncated: boolean;
}

/** Keeps the first `limit` bytes and counts the rest. */
export class CaptureSink implements Sink {
  readonly #chunks: Uint8Array[] = [];
  readonly #limit: number;
  #kept = 0;
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const part = chunk.subarray(0, this.#limit - this.#kept);
    if (part.length > 0) this.#chunks.push(part);
    this.#kept += part.length;
    this.#total += chunk.length;
  }

  toJSON(): OutputJson {
    const bytes = Buffer.concat(this.#chunks);
    return {
      text: bytes.toString('utf8'),
      ...(isUtf8(bytes) ? {} : { base64: bytes.toString('base64') }),
      totalBytes: this.#total,
      truncated: this.#total > this.#kept,
    };
  }
}
