import type { DriverHandle } from '@gantry/core/driver';
import type { Sandbox } from './sdk.ts';
import type { SessionPool } from './session-pool.ts';

/** One sandbox of the vendor's, and what this process follows in it. */
export interface DaytonaHandle extends DriverHandle {
  readonly sandbox: Sandbox;
  readonly sessions: SessionPool;
  /** Lets go of commands and terminals that this process follows: they go on, and nobody hears how they end. */
  readonly followed: Set<(error: Error) => void>;
}
