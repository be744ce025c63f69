/** Sandboxes for the harness agents of the AI SDK. Needs `@ai-sdk/harness`. */
export { harnessSandboxProvider } from './network/harness-sandbox-provider.ts';
export type { HarnessSandboxProviderOptions } from './network/harness-sandbox-provider.ts';
export { networkSandboxSession } from './network/network-sandbox-session.ts';
export type { NetworkSandboxSessionOptions } from './network/network-sandbox-session.ts';
