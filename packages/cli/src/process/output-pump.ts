import type { Sink } from './sink.ts';

const LOOK_MS = 50;

/**
 * Moves one output of a command to a sink until it ends. Reads the next bytes only when the sink has
 * taken the last, so a slow reader slows the command down.
 */
export class OutputPump {
  /** Settles when the output has ended, was let go of, or the sink failed. */
  readonly done: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #sink: Sink;
  /** Since when nothing came. Absent while the sink is busy: then silence says nothing. */
  #waitingSince: number | undefined;
  #letGo = false;

  constructor(output: ReadableStream<Uint8Array>, sink: Sink) {
    this.#reader = output.getReader();
    this.#sink = sink;
    this.done = this.#move();
    // Whoever awaits `done` sees a failure; it must not end the process before that.
    this.done.catch(() => undefined);
  }

  /** True when another process still held the output open, so that it was given up. */
  get lingering(): boolean {
    return this.#letGo;
  }

  /** To be called after the exit: gives the output up once it was silent for that long. */
  async endWhenSilent(ms: number): Promise<void> {
    const from = performance.now();
    const timer = setInterval(() => {
      const since = this.#waitingSince;
      if (since === undefined || performance.now() - Math.max(since, from) < ms) return;
      clearInterval(timer);
      this.#letGo = true;
      void this.cancel();
    }, LOOK_MS);
    try {
      await this.done;
    } finally {
      clearInterval(timer);
    }
  }

  /** Stops reading. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }

  async #move(): Promise<void> {
    for (;;) {
      this.#waitingSince = performance.now();
      const { done, value } = await this.#reader.read();
      this.#waitingSince = undefined;
      if (done) return;
      // After a failure nothing is read any more, and the command waits until it is killed or let go of.
      await this.#sink.write(value);
    }
  }
}
