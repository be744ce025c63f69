import type { TLSSocket } from 'node:tls';
import { authorityOf, type Host } from '../policy/host-name.ts';
import { HostSession } from './host-session.ts';

/** What is known of a host. */
interface KnownHost {
  readonly sessions: Set<HostSession>;
  /** It has chosen HTTP/1.1, and is not asked again. */
  onlyHttp1: boolean;
  coming: Promise<void> | undefined;
}

const mostKnown = 512;

/** Connections of one sandbox to hosts that speak HTTP/2. */
export class HostSessions {
  readonly #connect: (host: Host, port: number) => Promise<TLSSocket>;
  #known = new Map<string, KnownHost>();
  #closed = false;

  /** `connect` offers a host both versions. */
  constructor(connect: (host: Host, port: number) => Promise<TLSSocket>) {
    this.#connect = connect;
  }

  /**
   * A session with room for one request, which is taken; `undefined` where the host chooses HTTP/1.1. Rejects where it is not there, and
   * once the request is no longer `wanted`, so that nothing is connected to for one that was cut.
   */
  async take(host: Host, port: number, wanted: () => boolean): Promise<HostSession | undefined> {
    const authority = authorityOf(host, port);
    for (;;) {
      if (this.#closed || !wanted()) throw new Error('nobody waits for this connection');
      const known = this.#about(authority);
      if (known.onlyHttp1) return undefined;
      for (const session of known.sessions) {
        if (!session.hasRoom) continue;
        session.take();
        return session;
      }
      // Requests that come at the same time wait for one connection, and for the next where it has not room for all.
      known.coming ??= this.#open(authority, host, port, known);
      await known.coming;
    }
  }

  /** Uses no session again that is open now; what is under way on one goes on. */
  reset(): void {
    const old = this.#known;
    this.#known = new Map();
    for (const { sessions } of old.values()) for (const session of sessions) session.retire();
  }

  /** Cuts every connection. */
  close(): void {
    this.#closed = true;
    for (const { sessions } of this.#known.values())
      for (const session of sessions) session.destroy();
    this.#known.clear();
  }

  #about(authority: string): KnownHost {
    const known = this.#known.get(authority);
    if (known !== undefined) return known;
    if (this.#known.size >= mostKnown) this.#forget();
    const fresh: KnownHost = { sessions: new Set(), onlyHttp1: false, coming: undefined };
    this.#known.set(authority, fresh);
    return fresh;
  }

  #forget(): void {
    for (const [authority, { sessions, coming }] of this.#known) {
      if (sessions.size === 0 && coming === undefined) this.#known.delete(authority);
    }
  }

  async #open(authority: string, host: Host, port: number, known: KnownHost): Promise<void> {
    try {
      const socket = await this.#connect(host, port);
      if (this.#known.get(authority) !== known) {
        // Made under a policy that no longer holds.
        socket.destroy();
      } else if (socket.alpnProtocol === 'h2') {
        known.sessions.add(
          new HostSession(authority, socket, (ended) => known.sessions.delete(ended)),
        );
      } else {
        // The agent of HTTP/1.1 makes its own: this is once per host.
        known.onlyHttp1 = true;
        socket.destroy();
      }
    } finally {
      known.coming = undefined;
    }
  }
}
