import type { DriverHandle } from '@gantry/core/driver';
import type { CommandHandle, Sandbox } from 'e2b';

/** One sandbox of the vendor's, and what this process follows in it. */
export interface E2bHandle extends DriverHandle {
  readonly sandbox: Sandbox;
  /** Commands and terminals whose events arrive here. */
  readonly followed: Set<CommandHandle>;
}
