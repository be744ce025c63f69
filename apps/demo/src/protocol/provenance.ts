import type { RunEvent } from '@gantry/core/harness';

/** One event of a run's record. */
export type RunEventView = RunEvent;
