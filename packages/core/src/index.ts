/** What users of sandboxes import. */
export { SandboxError } from './errors/sandbox-error.ts';
export type { Outcome, SandboxErrorCode, SandboxErrorOptions } from './errors/sandbox-error.ts';
export { exitNumber } from './process/exit-number.ts';
export { parseRef } from './contract/sandbox-ref.ts';
export type { SandboxRef } from './contract/sandbox-ref.ts';
export type * from './contract/call.ts';
export type * from './contract/capabilities.ts';
export type { ResourceRequest } from './contract/create-request.ts';
export type * from './contract/exit-status.ts';
export type * from './contract/file-types.ts';
export type * from './contract/files.ts';
export type * from './contract/manifest-types.ts';
export type * from './contract/network.ts';
export type * from './contract/provider.ts';
export type * from './contract/sandbox.ts';
export type * from './contract/secret-rule.ts';
export type * from './contract/snapshot-store.ts';
export type * from './contract/snapshot-types.ts';
export type * from './contract/traits.ts';
export type {
  Endpoint,
  Finding,
  NativeSnapshotRef,
  ProcessSummary,
  SandboxMetrics,
  SandboxStatus,
  SandboxSummary,
  TerminalSize,
} from './contract/sandbox-driver.ts';
