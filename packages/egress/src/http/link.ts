import type { Duplex } from 'node:stream';
import type { Host } from '../policy/host-name.ts';
import type { LiveSession } from '../session/live-session.ts';

/** Whose a connection is, and how it speaks to hosts. */
export interface Link {
  readonly session: LiveSession;
  readonly scheme: 'http' | 'https';
  /** The only host of this connection, where a tunnel has fixed it. */
  readonly pinned?: { readonly host: Host; readonly port: number };
}

// A property of the connection, not a map by connection: HTTP/2 hands out a proxy object for it, which passes properties on.
const mark: unique symbol = Symbol('gantry.egress.link');

/** Says whose a connection is, before a server is given it. */
export function setLink(socket: Duplex, link: Link): void {
  Object.defineProperty(socket, mark, { value: link, configurable: true });
}

/** Whose a connection is. Throws for one that came past the door. */
export function linkOf(socket: object | undefined): Link {
  const link = socket === undefined ? undefined : (socket as { [mark]?: Link })[mark];
  if (link === undefined) throw new Error('a connection of no session reached the proxy');
  return link;
}
