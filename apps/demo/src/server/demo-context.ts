import type { EventHub } from './event-hub.ts';
import type { Runs } from './runs.ts';

/** What the parts of the server share. */
export interface DemoContext {
  /** Absolute. Everything that outlives the server is in it. */
  readonly stateDirectory: string;
  readonly events: EventHub;
  readonly runs: Runs;
}
