/** Bytes that wait in an output before its connection is paused. */
const bufferedBytes = 256 * 1024;

/** One output of a command: bytes in from a connection, out to whoever reads, with back-pressure. */
export class OutputQueue {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** `wanted` is called when the reader has room again, or has let go. */
  constructor(wanted: () => void) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: wanted,
        cancel: () => {
          this.#controller = undefined;
          wanted();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
    );
  }

  /** Whether nobody will read it any more, by its end or the reader's wish. */
  get over(): boolean {
    return this.#controller === undefined;
  }

  get full(): boolean {
    return (this.#controller?.desiredSize ?? 1) <= 0;
  }

  push(bytes: Uint8Array): void {
    // The bytes are a part of the connection's own buffer, which is not reused.
    this.#controller?.enqueue(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  fail(error: Error): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }
}
