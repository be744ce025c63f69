import type { DriverHandle } from '@gantry/core/driver';
import type { Sandbox } from '@vercel/sandbox';

/** One sandbox of the vendor's as this process reached it, and what it follows in it. */
export interface VercelHandle extends DriverHandle {
  /** Only its current session is called: the sandbox itself would wake up what was stopped. */
  sandbox: Sandbox;
  /** Lets go of commands and terminals that this process follows: they go on, and nobody hears how they end. */
  readonly followed: Set<(error: Error) => void>;
}
