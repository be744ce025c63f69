import type { NetworkRecorder } from '@gantry/core';
import type { EgressEvent } from '../egress-event.ts';

/** How many events of a sandbox are kept for a recorder that is still to come; of more, the oldest go. */
const mostKept = 4_096;

/** One place that events go to. An event that it has taken is not given to it again. */
interface Sink {
  readonly record: (events: readonly EgressEvent[]) => Promise<void> | void;
  taken: number;
}

/** The way of one sandbox's events: to whoever made the provider, and to the run that has the sandbox. */
export class SandboxEvents {
  readonly #maker: Sink | undefined;
  #recorder: Sink | undefined;
  #kept: EgressEvent[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(record: Sink['record'] | undefined) {
    this.#maker = record && { record, taken: 0 };
  }

  /** What the engine is given: rejects as long as one of them does not take the events. */
  readonly record = async (events: readonly EgressEvent[]): Promise<void> => {
    // One after the other: what two give at the same time would be taken twice, or in the wrong order.
    const turn = this.#turn.then(() => this.#give(events));
    this.#turn = turn.catch(() => undefined);
    await turn;
  };

  /** From now on this one is given events, beginning with those that nobody has had. */
  setRecorder(recorder: NetworkRecorder): void {
    this.#recorder = { record: recorder, taken: 0 };
    // What it does not take now it is given again with the next.
    void this.record([]).catch(() => undefined);
  }

  async #give(events: readonly EgressEvent[]): Promise<void> {
    await give(this.#maker, events);
    if (this.#recorder) {
      await give(this.#recorder, [...this.#kept, ...events]);
      this.#kept = [];
      return;
    }
    this.#kept = [...this.#kept, ...events].slice(-mostKept);
  }
}

async function give(sink: Sink | undefined, events: readonly EgressEvent[]): Promise<void> {
  const fresh = sink ? events.filter(({ sequence }) => sequence > sink.taken) : [];
  if (!sink || fresh.length === 0) return;
  await sink.record(fresh);
  sink.taken = fresh.at(-1)?.sequence ?? sink.taken;
}
