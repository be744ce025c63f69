import type { EmulatorClock } from './clock.ts';

/** What an account may do. Absent means as much as it likes. */
export interface Quotas {
  /** Sandboxes made in any one second. */
  readonly createsPerSecond?: number;
  /** Sandboxes that run at once. */
  readonly runningSandboxes?: number;
}

/** A bucket that holds one second's worth, at least one, and fills evenly. */
export class RateLimit {
  readonly #clock: EmulatorClock;
  readonly #perSecond: number;
  readonly #room: number;
  #tokens: number;
  #filledAt: number;

  constructor(clock: EmulatorClock, perSecond: number = Infinity) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#room = Math.max(1, perSecond);
    this.#tokens = this.#room;
    this.#filledAt = clock.now();
  }

  /** Takes one. Returns 0, or the whole seconds after which there is one again. */
  take(): number {
    if (this.#perSecond === Infinity) return 0;
    const now = this.#clock.now();
    const filled = this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#room, filled);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.max(1, Math.ceil((1 - this.#tokens) / this.#perSecond));
    this.#tokens -= 1;
    return 0;
  }
}
