import type { Sink } from './sink.ts';

/**
 * Moves one output of a command to a sink until it ends. Reads the next bytes only when the sink has
 * taken the last, so a slow reader slows the command down.
 */
export class OutputPump {
  /** Settles when the output has ended, was let go of, or the sink failed. */
  readonly done: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #sink: Sink;

  constructor(output: ReadableStream<Uint8Array>, sink: Sink) {
    this.#reader = output.getReader();
    this.#sink = sink;
    this.done = this.#move();
    // Whoever awaits `done` sees a failure; it must not end the process before that.
    this.done.catch(() => undefined);
  }

  /** Stops reading. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }

  async #move(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      // After a failure nothing is read any more, and the command waits until it is killed or let go of.
      await this.#sink.write(value);
    }
  }
}
