import type { Duplex } from 'node:stream';
import type { NetworkPolicy, OnSecret, SecretResolver, SecretRule } from '@gantry/core';
import type { EgressEvent } from './egress-event.ts';

/** The proxy of this process. Every sandbox has a session of its own in it. */
export interface EgressEngine extends AsyncDisposable {
  readonly events: EgressEvents;
  /**
   * Opens a sandbox's session. Each secret is resolved once to learn its length and shape; one that is not there is
   * `failed-precondition`, a rule that cannot be kept `invalid-argument`.
   */
  session(options: SessionOptions): Promise<EgressSession>;
  /** Closes all sessions and waits until every event is recorded. */
  close(): Promise<void>;
}

/** What one sandbox may reach, and with which secrets. */
export interface SessionOptions {
  /** The sandbox's id: what its events are told apart by. */
  readonly sandbox: string;
  readonly policy: NetworkPolicy;
  /** Environment variable that holds the placeholder -> where the secret goes. Default: none. */
  readonly secrets?: Readonly<Record<string, SecretRule>>;
  readonly budgets?: EgressBudgets;
  /** Where programs in the sandbox find the proxy. Default `127.0.0.1:3128`. */
  readonly proxy?: { readonly host: string; readonly port: number };
  /**
   * Where in the sandbox `caCertificate` and `caBundle` lie. The caller puts them there. Absent: the environment has no variables
   * for certificates, and programs refuse what the proxy intercepts.
   */
  readonly trust?: { readonly certificate: string; readonly bundle: string };
}

/** Bounds of one session. What goes beyond them is denied, with an event. */
export interface EgressBudgets {
  /** Connections to the proxy that are open at the same time, and requests and tunnels under way. Default 1024. */
  readonly connections?: number;
  /** Requests and tunnels begun within any minute. Default: unbounded. */
  readonly requestsPerMinute?: number;
  /** Bytes to hosts, over the session's life, those of paths and headers included. Default: unbounded. */
  readonly bytesOut?: number;
  /** Bytes from hosts, over the session's life. Default: unbounded. */
  readonly bytesIn?: number;
}

/** The proxy as one sandbox sees it. */
export interface EgressSession {
  readonly sandbox: string;
  /** The certificate authority of this session alone, as PEM. Its key never leaves the process. */
  readonly caCertificate: string;
  /** The same, after the authorities that Node trusts: for variables that replace a program's own list. */
  readonly caBundle: string;
  /**
   * Takes over one connection that a program in the sandbox has made to the proxy. HTTP proxy requests, `CONNECT` and SOCKS5
   * are told apart by their first bytes. Never throws; after `close`, the connection is ended.
   */
  accept(socket: Duplex): void;
  /** What programs in the sandbox need: proxy variables, variables for certificates, placeholders. Never a secret. */
  environment(): Record<string, string>;
  /** From now on this policy holds; what is open and no longer allowed is cut. Throws `invalid-argument`. */
  update(policy: NetworkPolicy): void;
  /** Cuts every connection and forgets the secrets. Idempotent. */
  close(): Promise<void>;
}

/** The way of decisions to whoever keeps them. */
export interface EgressEvents {
  /** Events that are not recorded yet. */
  readonly pending: number;
  /** Denials that could not be recorded because the queue was full. */
  readonly unrecorded: number;
  /** Why the last attempt to record failed; `undefined` once one succeeds. */
  readonly problem: Error | undefined;
  /** Waits until what has happened so far is recorded. Rejects with the recorder's error when it fails meanwhile. */
  flush(): Promise<void>;
}

/** How the engine finds secrets and keeps records. */
export interface EgressOptions {
  /**
   * Keeps events, in order; called again only after it has settled, and again with the same events when it rejects. While more
   * than `maxPending` wait, everything is denied; a sandbox that has a quarter of them waiting is denied alone.
   */
  readonly record: (events: readonly EgressEvent[]) => Promise<void> | void;
  /** Default 8192. */
  readonly maxPending?: number;
  /** Resolves secret references other than `env:` and `file:`. */
  readonly secrets?: SecretResolver;
  /** Told each secret's value whenever one is looked up, for whoever keeps other records. */
  readonly onSecret?: OnSecret;
  /** Answers every name. Default: the resolver of this machine. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
  /** Authorities, as PEM, that hosts with injected secrets may be certified by, beside those that Node trusts. */
  readonly authorities?: readonly string[];
}
