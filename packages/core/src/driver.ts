/** What authors of providers import. */
export { SandboxError } from './errors/sandbox-error.ts';
export { parseRef } from './contract/sandbox-ref.ts';
export { toSandboxError } from './errors/to-sandbox-error.ts';
export type { ErrorContext } from './errors/to-sandbox-error.ts';
export { defineProvider } from './provider/define-provider.ts';
export type { SandboxErrorCode, SandboxErrorOptions } from './errors/sandbox-error.ts';
export type * from './contract/call.ts';
export type * from './contract/capabilities.ts';
export type * from './contract/command.ts';
export type * from './contract/exit-status.ts';
export type * from './contract/file-transfer.ts';
export type * from './contract/file-types.ts';
export type * from './contract/network.ts';
export type * from './contract/provider.ts';
export type * from './contract/sandbox-driver.ts';
export type * from './contract/sandbox-ref.ts';
export type * from './contract/traits.ts';
