import { setImmediate as turn } from 'node:timers/promises';

interface Alarm {
  readonly time: number;
  readonly ring: () => Promise<void> | void;
}

/** Timers beyond this would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** The time that an emulator lives by: the machine's own, which tests can move forward. */
export class EmulatorClock {
  readonly #alarms = new Set<Alarm>();
  #ahead = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  /** Rings once that time has come. Disposing takes the alarm back. */
  at(time: number, ring: () => Promise<void> | void): Disposable {
    const alarm = { time, ring };
    this.#alarms.add(alarm);
    this.#wind();
    return {
      [Symbol.dispose]: () => {
        if (this.#alarms.delete(alarm)) this.#wind();
      },
    };
  }

  /** Moves the time forward; resolves when every alarm that was due on the way has been dealt with, in order. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.now() + milliseconds;
    for (let next = this.#next(); next && next.time <= end; next = this.#next()) {
      this.#ahead += Math.max(0, next.time - this.now());
      await this.#ring(next);
      await turn();
    }
    this.#ahead += Math.max(0, end - this.now());
    this.#wind();
  }

  /** Forgets every alarm. */
  stop(): void {
    this.#alarms.clear();
    clearTimeout(this.#timer);
  }

  #next(): Alarm | undefined {
    return [...this.#alarms].toSorted((a, b) => a.time - b.time)[0];
  }

  async #ring(alarm: Alarm): Promise<void> {
    if (!this.#alarms.delete(alarm)) return;
    try {
      await alarm.ring();
    } catch (error) {
      process.emitWarning(`emulator: an alarm failed: ${String(error)}`);
    }
  }

  /** One timer of the machine, for the earliest alarm. */
  #wind(): void {
    clearTimeout(this.#timer);
    const next = this.#next();
    if (!next) return;
    const wait = Math.min(Math.max(0, next.time - this.now()), longestTimer);
    this.#timer = setTimeout(() => {
      if (next.time <= this.now()) void this.#ring(next);
      this.#wind();
    }, wait);
    this.#timer.unref();
  }
}
