/** How a program in the sandbox spoke to the proxy: `https` and `wss` are intercepted, `tunnel` is opaque bytes. */
export type EgressProtocol = 'http' | 'https' | 'ws' | 'wss' | 'tunnel' | 'socks' | 'unknown';

/** Facts that every event of one request or tunnel has. */
interface EgressFacts {
  /** Counts up from 1 over the events of an engine. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly sandbox: string;
  /** The request or tunnel that this is about. */
  readonly id: number;
}

/** What was decided about a request or tunnel, before a byte of it left the host. */
export interface EgressDecision extends EgressFacts {
  readonly type: 'decision';
  readonly protocol: EgressProtocol;
  /** Absent where none could be read. */
  readonly host?: string;
  readonly port?: number;
  readonly method?: string;
  /** Without its query, and with the session's secrets redacted. */
  readonly path?: string;
  readonly allowed: boolean;
  /** The rule as it is written in the policy, or the reason of a refusal, such as `not-listed`. */
  readonly rule: string;
  /** Names of the secrets that are sent. */
  readonly secrets: readonly string[];
}

/** What came of a request or tunnel that was allowed. */
export interface EgressEnd extends EgressFacts {
  readonly type: 'end';
  /** The host's status, or that of the proxy where the host gave none. Absent for tunnels. */
  readonly status?: number;
  /** Bytes of bodies and tunnels, without headers. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly durationMs: number;
  /** Why it did not come to its end, such as `budget`, `policy` or `unreachable`. */
  readonly problem?: string;
}

/** One line of the record of what sandboxes sent out. Holds no secret. */
export type EgressEvent = EgressDecision | EgressEnd;
