/** Bytes that wait for a reader; then whoever pushes should wait too. */
const bufferedBytes = 1024 * 1024;

/** Output that a vendor's SDK hands over piece by piece, as a stream with back-pressure. Cancelling it loses what comes. */
export class OutputStream {
  readonly readable: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** What all wait for who pushed too much. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor() {
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#makeRoom(),
        cancel: () => {
          this.#controller = undefined;
          this.#makeRoom();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
    );
  }

  /** Resolves when there is room for more, or nobody wants it. */
  async push(bytes: Uint8Array): Promise<void> {
    if (!this.#controller || bytes.length === 0) return;
    this.#controller.enqueue(bytes);
    if ((this.#controller.desiredSize ?? 0) > 0) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
  }

  /** Nothing more comes. */
  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
    this.#makeRoom();
  }

  /** The reader gets this error. */
  fail(error: unknown): void {
    this.#controller?.error(error);
    this.#controller = undefined;
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
