/** What the connector is asked: to connect to a port of the sandbox, or to listen on one. */
export interface ConnectRequest {
  readonly id: number;
  readonly port: number;
  /** Absent: connect. */
  readonly listen?: true;
}

/** What the connector says. `connected` and `listening` come with the socket; `ready` names the network that it is in. */
export type ConnectorMessage =
  | { readonly kind: 'ready'; readonly network: string }
  | { readonly kind: 'connected' | 'listening'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string };

/** Whether what came over the channel is a request; nothing else is ever sent. */
export function isConnectRequest(value: unknown): value is ConnectRequest {
  return typeof value === 'object' && value !== null && 'id' in value && 'port' in value;
}

/** Whether what came over the channel is a message of the connector. */
export function isConnectorMessage(value: unknown): value is ConnectorMessage {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
