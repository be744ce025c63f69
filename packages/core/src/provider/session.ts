import type { Capabilities } from '../contract/capabilities.ts';
import type { DriverHandle, SandboxDriver } from '../contract/sandbox-driver.ts';

/** One live sandbox as core's own parts share it: the driver, its handle, and what they can do. */
export interface Session {
  readonly driver: SandboxDriver;
  readonly handle: DriverHandle;
  readonly capabilities: Capabilities;
  /** Where commands find the workspace: `/workspace`, or a host directory without isolation. */
  readonly workspace: string;
}

/** The path at which every sandbox has its workspace. */
export const workspacePath = '/workspace';
