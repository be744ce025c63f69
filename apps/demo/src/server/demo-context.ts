import type { Comparisons } from './compare/comparisons.ts';
import type { EventHub } from './event-hub.ts';
import type { Runs } from './runs/runs.ts';
import type { Providers } from './providers/providers.ts';
import type { Previews } from './sandboxes/previews.ts';
import type { Snapshots } from './snapshots/snapshots.ts';
import type { Sandboxes } from './sandboxes/sandboxes.ts';

/** What the parts of the server share. */
export interface DemoContext {
  /** Absolute. Everything that outlives the server is in it. */
  readonly stateDirectory: string;
  readonly events: EventHub;
  readonly runs: Runs;
  readonly providers: Providers;
  readonly sandboxes: Sandboxes;
  readonly previews: Previews;
  readonly snapshots: Snapshots;
  readonly comparisons: Comparisons;
}
