import type { EgressEvent } from '../egress-event.ts';
import type { EgressEvents } from '../egress-types.ts';

type WithoutNumbers<Event> = Event extends unknown ? Omit<Event, 'sequence' | 'at'> : never;

/** An event before the queue has numbered and dated it. */
export type NewEvent = WithoutNumbers<EgressEvent>;

const retryMs = 250;
const largestBatch = 256;
/** What one sandbox may take of the room, so that it cannot silence the others. */
const largestShare = 0.25;

/**
 * Events on their way to the recorder, in order and bounded. Whoever is about to let something out reserves room for all
 * events of it first; without room, nothing may be let out.
 */
export class EventQueue implements EgressEvents {
  readonly #record: (events: readonly EgressEvent[]) => Promise<void> | void;
  readonly #maxPending: number;
  readonly #maxOfOne: number;
  /** Events of each sandbox that are reserved or wait. */
  readonly #ofOne = new Map<string, number>();
  readonly #waiting: EgressEvent[] = [];
  #inFlight: readonly EgressEvent[] = [];
  #reserved = 0;
  #sequence = 0;
  #unrecorded = 0;
  #working: Promise<void> | undefined;
  #stopped = false;
  #problem: Error | undefined;
  /** How often it failed: a recorder may fail with the same error each time. */
  #failures = 0;

  constructor(
    record: (events: readonly EgressEvent[]) => Promise<void> | void,
    maxPending: number,
  ) {
    this.#record = record;
    this.#maxPending = maxPending;
    this.#maxOfOne = Math.max(Math.floor(maxPending * largestShare), Math.min(maxPending, 4));
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

  /** Takes room for so many events of a sandbox. False: there is none, and a denial that cannot be recorded is counted. */
  reserve(sandbox: string, count: number): boolean {
    const own = (this.#ofOne.get(sandbox) ?? 0) + count;
    if (this.pending + this.#reserved + count > this.#maxPending || own > this.#maxOfOne) {
      this.#unrecorded += 1;
      return false;
    }
    this.#reserved += count;
    this.#ofOne.set(sandbox, own);
    return true;
  }

  /** Gives room back that is not needed after all. */
  giveBack(sandbox: string, count: number): void {
    this.#reserved -= count;
    this.#settle(sandbox, count);
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
      const before = this.#failures;
      await Promise.race([this.#working, wait(retryMs)]);
      if (!done() && this.#problem !== undefined && this.#failures !== before) throw this.#problem;
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
      for (const { sandbox } of this.#inFlight) this.#settle(sandbox, 1);
      this.#inFlight = [];
    }
    this.#working = undefined;
  }

  #settle(sandbox: string, count: number): void {
    const left = (this.#ofOne.get(sandbox) ?? 0) - count;
    if (left > 0) this.#ofOne.set(sandbox, left);
    else this.#ofOne.delete(sandbox);
  }

  async #recordBatch(): Promise<void> {
    for (;;) {
      try {
        await this.#record(this.#inFlight);
        this.#problem = undefined;
        return;
      } catch (error) {
        this.#failures += 1;
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
