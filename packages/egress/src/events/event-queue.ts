import type { EgressEvent } from '../egress-event.ts';
import type { EgressEvents } from '../egress-types.ts';

type WithoutNumbers<Event> = Event extends unknown ? Omit<Event, 'sequence' | 'at'> : never;

/** An event before the queue has numbered and dated it. */
export type NewEvent = WithoutNumbers<EgressEvent>;

const retryMs = 250;
const largestBatch = 256;

/**
 * Events on their way to the recorder, in order and bounded. Whoever is about to let something out reserves room for all
 * events of it first; without room, nothing may be let out.
 */
export class EventQueue implements EgressEvents {
  readonly #record: (events: readonly EgressEvent[]) => Promise<void> | void;
  readonly #maxPending: number;
  readonly #waiting: EgressEvent[] = [];
  #inFlight: readonly EgressEvent[] = [];
  #reserved = 0;
  #sequence = 0;
  #unrecorded = 0;
  #working: Promise<void> | undefined;
  #stopped = false;
  #problem: Error | undefined;

  constructor(
    record: (events: readonly EgressEvent[]) => Promise<void> | void,
    maxPending: number,
  ) {
    this.#record = record;
    this.#maxPending = maxPending;
  }

  get pending(): number {
    return this.#waiting.length + this.#inFlight.length;
  }

  get problem(): Error | undefined {
    return this.#problem;
  }

  get unrecorded(): number {
    return this.#unrecorded;
  }

  /** Takes room for so many events. False: there is none, and a denial that cannot be recorded is counted. */
  reserve(count: number): boolean {
    if (this.pending + this.#reserved + count > this.#maxPending) {
      this.#unrecorded += 1;
      return false;
    }
    this.#reserved += count;
    return true;
  }

  /** Gives room back that is not needed after all. */
  giveBack(count: number): void {
    this.#reserved -= count;
  }

  /** Takes one event into the room that was reserved for it. */
  add(event: NewEvent): void {
    this.#reserved -= 1;
    this.#sequence += 1;
    this.#waiting.push({ ...event, sequence: this.#sequence, at: Date.now() });
    this.#working ??= this.#work();
  }

  async flush(): Promise<void> {
    const upTo = this.#sequence;
    const done = (): boolean =>
      ([...this.#inFlight, ...this.#waiting][0]?.sequence ?? Infinity) > upTo;
    while (!done()) {
      const before = this.#problem;
      await Promise.race([this.#working, wait(retryMs)]);
      if (!done() && this.#problem !== undefined && this.#problem !== before) throw this.#problem;
    }
  }

  /** Records what waits, one last time, and tries no more. Rejects with the recorder's error. */
  async stop(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#stopped = true;
    }
  }

  async #work(): Promise<void> {
    // Events of one turn of the loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stopped) {
      this.#inFlight = this.#waiting.splice(0, largestBatch);
      await this.#recordBatch();
      this.#inFlight = [];
    }
    this.#working = undefined;
  }

  async #recordBatch(): Promise<void> {
    for (;;) {
      try {
        await this.#record(this.#inFlight);
        this.#problem = undefined;
        return;
      } catch (error) {
        this.#problem = error instanceof Error ? error : new Error(String(error));
        if (this.#stopped) return;
        await wait(retryMs);
      }
    }
  }
}

async function wait(milliseconds: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
