/** How far a sandbox's network reaches. */
export type NetworkMode = 'none' | 'allow-list' | 'open';

/** Which requests a host takes. */
export interface RequestRule {
  /** As in `allow`. */
  readonly host: string;
  /** In capitals. Default: every method but `TRACE`, `TRACK` and `CONNECT`, which are always refused. */
  readonly methods?: readonly string[];
  /**
   * Paths without their query: `*` matches within one segment, a segment `**` any number of segments. A request must match as
   * it was sent and as a server may read it. Default: every path.
   */
  readonly paths?: readonly string[];
}

/** What a sandbox may reach over the network. The default everywhere is `none`. */
export type NetworkPolicy =
  | { readonly mode: 'none' }
  | { readonly mode: 'open' }
  | {
      readonly mode: 'allow-list';
      /**
       * Host names (a leading `*.` matches any subdomain) or CIDR blocks, each with an optional `:port`. Without one, a name stands
       * for ports 80 and 443 and a block for every port. A private, link-local or loopback address is only reached where a block names
       * it, whatever a name resolves to; the name `localhost` names the loopback.
       */
      readonly allow: readonly string[];
      /**
       * Hosts that take only some requests, of HTTP, HTTPS and WebSockets, and no other protocol. A host that is matched here is
       * limited to these rules also where `allow` names it. Refused with `unsupported` where a provider's `network` does not
       * declare `requests`.
       */
      readonly requests?: readonly RequestRule[];
    };

/** One line of the record of what a sandbox sent out: plain JSON, without a secret. */
export interface NetworkEvent {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** `decision` before anything left the host, `end` once it is known what came of it. */
  readonly type: 'decision' | 'end';
}

/** Keeps events, in order. Called again once it has settled, with the same events where it has rejected. */
export type NetworkRecorder = (events: readonly NetworkEvent[]) => Promise<void>;
