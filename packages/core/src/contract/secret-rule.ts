/**
 * Where a secret goes on its way out of a sandbox that never holds it. With neither `header` nor `query`, the placeholder that
 * the sandbox has is replaced in the headers and the query of its requests; with one of them, the secret is set there, whatever
 * the sandbox sent.
 */
export interface SecretRule {
  /** `env:NAME`, `file:/path`, or a resolver's own term. Resolved anew for each use. */
  readonly from: string;
  /** Hosts that are sent it, over TLS only, as in a network policy's `allow`. A port is 443 unless said. */
  readonly hosts: readonly string[];
  /** The header that carries it. */
  readonly header?: string;
  /** The header's text, in which `{secret}` stands for the value. Default: `Bearer {secret}` for `authorization`, else the value alone. */
  readonly format?: string;
  /** The parameter of the query that carries it. */
  readonly query?: string;
}

/** A secret that the sandbox holds after all, as a plain variable: its guest can send it wherever it reaches. */
export interface ExposedSecret {
  /** `env:NAME`, `file:/path`, or a resolver's own term. Resolved once, when the sandbox is made. */
  readonly from: string;
  /** Says that this is known. A run's journal names the variable. */
  readonly expose: 'acknowledged';
}

/**
 * Told the value of a secret each time it is looked up, before anything is done with it: for whoever keeps a record that must
 * not hold it. Must not throw.
 */
export type OnSecret = (reference: string, value: string) => void;

/** Returns a secret by its reference; `undefined` when it is not known. */
export type SecretResolver = (
  reference: string,
) => Promise<string | undefined> | string | undefined;
