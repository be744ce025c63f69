import { setTimeout as delay } from 'node:timers/promises';
import type { Journal, ShownEvent } from '@gantry/core/harness';
import type { RunEventView } from '../../protocol/provenance.ts';
import type { RunSummary } from '../../protocol/runs.ts';
import type { EventHub } from '../event-hub.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';

/** How often the journal is read for a run that somebody drives. */
const lookMs = 150;
/** At so many looks a page is told of a run that has no journal yet. */
const tellEvery = 6;

/** What a watcher needs of the runs. */
interface WatchedRuns {
  readonly journal: Journal;
  readonly events: EventHub;
  readonly snapshots: Snapshots;
  /** Whether a process drives a run now. */
  readonly isDriven: (run: string) => Promise<boolean>;
  readonly summary: (run: string) => Promise<RunSummary>;
}

/** Tells pages each event of a run once, as long as a process drives it. */
export class RunWatcher {
  readonly #runs: WatchedRuns;
  readonly #watched = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(runs: WatchedRuns) {
    this.#runs = runs;
  }

  /** Watches until nobody drives the run any more. Once for each run is enough. */
  watch(run: string): void {
    if (this.#watched.has(run)) return;
    const following = this.#follow(run)
      .catch((error: unknown) => console.error(`run ${run} cannot be watched:`, error))
      .finally(() => this.#watched.delete(run));
    this.#watched.set(run, following);
  }

  /** Names the checkpoints that a run took while nobody watched. One that was forgotten since is none any more. */
  async nameCheckpoints(run: string, events: AsyncIterable<ShownEvent>): Promise<void> {
    const listed = await this.#runs.snapshots.list();
    const nameless = new Set(
      listed.filter(({ name }) => name === undefined).map((view) => view.id),
    );
    for await (const event of events) {
      if (event.type === 'checkpoint' && nameless.has(event.snapshot ?? ''))
        await this.#name(run, shownEvent(event));
    }
  }

  /** Tells how a run is now. */
  async tell(run: string): Promise<void> {
    const { events, summary } = this.#runs;
    events.publish({ type: 'run', run: await summary(run) });
  }

  /** Watches nothing any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#watched.values());
  }

  async #follow(run: string): Promise<void> {
    const { journal, isDriven } = this.#runs;
    let last = (await journal.find(run))?.head.size ?? 0;
    for (let looks = 0; ; looks++) {
      // First whether it is there: what it wrote last is then read as well.
      const driven = await isDriven(run);
      if (this.#closing.signal.aborted) return;
      if (await journal.find(run)) {
        for await (const { text, sequence } of journal.read(run, { after: last })) {
          last = sequence;
          await this.#event(run, text);
        }
      } else if (looks % tellEvery === 0) {
        // A model is at work before the run itself begins.
        await this.tell(run);
      }
      if (!driven) break;
      await delay(lookMs);
    }
    await this.tell(run);
  }

  async #event(run: string, text: string): Promise<void> {
    const { events } = this.#runs;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own journal's text; pages show it and trust none of it
    const event = shownEvent({ ...(JSON.parse(text) as ShownEvent), superseded: false });
    events.publish({ type: 'journal', run, event });
    if (event.type === 'checkpoint') await this.#name(run, event);
  }

  async #name(run: string, { snapshot, sequence, sandbox = '' }: RunEventView): Promise<void> {
    const { snapshots } = this.#runs;
    if (snapshot === undefined) return;
    const name = `${run}, checkpoint at event ${sequence}`;
    const facts = { name, sandbox, sandboxName: `workspace of ${run}`, emulated: false };
    await snapshots.add(await snapshots.read(snapshot), facts);
  }
}

/** An event as pages see it. */
export function shownEvent(event: ShownEvent): RunEventView {
  const { spec: _spec, ordinal: _ordinal, ...rest } = event;
  return rest;
}
