/**
 * Events on their way to one reader. `send` waits while the reader is behind, and says false once it has gone.
 */
export class EventChannel<Event> {
  readonly events: ReadableStream<Event>;
  readonly #writer: WritableStreamDefaultWriter<Event>;

  constructor() {
    const strategy = new CountQueuingStrategy({ highWaterMark: 16 });
    const { readable, writable } = new TransformStream<Event, Event>(undefined, strategy);
    this.events = readable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => undefined); // `send` tells.
  }

  async send(event: Event): Promise<boolean> {
    try {
      await this.#writer.ready;
      this.#writer.write(event).catch(() => undefined); // The next `ready` tells.
      return true;
    } catch {
      // The reader has cancelled: the only way for this stream to fail.
      return false;
    }
  }

  /** No more events; those on their way still arrive. */
  end(): void {
    this.#writer.close().catch(() => undefined); // Nobody reads any more.
  }

  /** The reader fails at once. */
  fail(reason: unknown): void {
    this.#writer.abort(reason).catch(() => undefined); // Nobody reads any more.
  }
}
