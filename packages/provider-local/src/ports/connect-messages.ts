/** What the connector is asked: to connect to a port of the sandbox. */
export interface ConnectRequest {
  readonly id: number;
  readonly port: number;
}

/** What the connector says. `connected` comes with the socket; `ready` names the network that it is in. */
export type ConnectorMessage =
  | { readonly kind: 'ready'; readonly network: string }
  | { readonly kind: 'connected'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string };
