import path from 'node:path';
import { onTestFinished } from 'vitest';
import { createHarness, sqliteJournal } from '../../src/harness.ts';
import type { Harness, HarnessOptions, Journal, ShownEvent } from '../../src/harness.ts';
import type { Provider } from '../../src/index.ts';
import { memoryStore } from '../../src/snapshot.ts';
import { sandboxesOf, sharedHost } from './shared-host-driver.ts';
import { testDirectory } from './temporary-journal.ts';

/** A harness with all that it stands on, in a directory of one test. */
export interface Workshop {
  readonly directory: string;
  readonly journal: Journal;
  readonly provider: Provider;
  readonly harness: Harness;
  /** Another harness over the same journal and store, as another process would have it. */
  readonly again: (options?: Partial<HarnessOptions>) => Harness;
  /** Ids of sandboxes that are there. */
  readonly sandboxes: () => readonly string[];
  /** Where the sandboxes are, for `endSandbox`. */
  readonly root: string;
}

/** Makes one; what a test leaves in it is removed. */
export function workshop(options: Partial<HarnessOptions> = {}): Workshop {
  const directory = testDirectory();
  const root = path.join(directory, 'sandboxes');
  const journal = sqliteJournal(path.join(directory, 'journal'));
  onTestFinished(() => journal.close());
  const provider = sharedHost(root);
  const base = { journal, providers: { shared: provider }, store: memoryStore(), ...options };
  return {
    directory,
    root,
    journal,
    provider,
    harness: createHarness(base),
    again: (others = {}) => createHarness({ ...base, ...others }),
    sandboxes: () => sandboxesOf(root),
  };
}

/** Every event of a run. */
export async function eventsOf(harness: Harness, run: string): Promise<readonly ShownEvent[]> {
  const all: ShownEvent[] = [];
  for await (const event of harness.events(run)) all.push(event);
  return all;
}

/** How often each type of event is there, superseded ones apart. */
export function tally(events: readonly ShownEvent[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { type, superseded } of events) {
    const name = superseded ? `${type} (superseded)` : type;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
