/** The way into the network of a sandbox whose processes are this machine's: connections to it, and from it. */
export { Connector } from './network/connector.ts';
export { Interceptor } from './network/interceptor.ts';
export type { InterceptedNetwork } from './network/interceptor.ts';
export { findNetworkEntry, withoutNetworkEntry } from './network/network-entry.ts';
export type { NetworkEntry } from './network/network-entry.ts';
