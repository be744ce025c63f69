/**
 * How many things may run at once: one more for each round that went well, half as many when there was too much
 * (additive increase, multiplicative decrease). Waiting is in order.
 */
export class AdaptiveLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #running = 0;
  /** Counts decreases: what began before the last one says nothing about the limit since. */
  #round = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = most;
  }

  /** A whole number from 1. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get running(): number {
    return this.#running;
  }

  /** Resolves when one more may run, and takes its place. Rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    if (this.#running < this.limit && this.#waiting.length === 0) this.#running += 1;
    else {
      await new Promise<void>((resolve, reject) => {
        const give = (): void => {
          signal.removeEventListener('abort', stop);
          resolve();
        };
        const stop = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(give), 1);
          reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
        };
        this.#waiting.push(give);
        signal.addEventListener('abort', stop, { once: true });
      });
    }
    const round = this.#round;
    let left = false;
    return {
      leave: (how) => {
        if (left) return;
        left = true;
        this.#running -= 1;
        if (how === 'well') this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
        else if (how === 'throttled' && round === this.#round) {
          this.#limit = Math.max(1, this.#limit / 2);
          this.#round += 1;
        }
        this.#next();
      },
    };
  }

  #next(): void {
    while (this.#running < this.limit) {
      const give = this.#waiting.shift();
      if (!give) return;
      // The place is taken here and not when the waiter wakes up: nobody can get in between.
      this.#running += 1;
      give();
    }
  }
}

/** One thing that runs. */
export interface Place {
  /** Makes room for another. Only the first call counts. */
  leave(how: 'well' | 'throttled' | 'badly'): void;
}
