import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EgressProtocol } from '../egress-event.ts';
import type { Refusal } from '../http/request-target.ts';
import { unreachable } from '../http/unreachable.ts';
import { type Host, readHost } from '../policy/host-name.ts';
import { Exchange } from '../session/exchange.ts';
import type { LiveSession } from '../session/live-session.ts';
import { looksLikeTls, readClientHello } from './client-hello.ts';
import { joinStreams } from './join-streams.ts';
import { Opening } from './opening.ts';

/** Where a client wants a tunnel to. */
export interface TunnelTarget {
  readonly protocol: EgressProtocol & ('tunnel' | 'socks');
  readonly host: Host;
  readonly port: number;
}

/** How a tunnel's opening is answered, in the words of the protocol that asked for it. */
export interface TunnelAnswers {
  readonly opened: () => void;
  readonly refused: (refusal: Refusal) => void;
}

/** Who takes over what is no tunnel after all. */
export interface TunnelTakers {
  /** TLS to a host whose requests must be read. */
  readonly intercept: (socket: Duplex, target: TunnelTarget) => void;
  /** HTTP without TLS, to this host and no other. */
  readonly http: (socket: Duplex, target: TunnelTarget) => void;
}

/** The alert by which a server says that it is not who the client asked for (RFC 6066, 3). */
const unrecognizedName: Buffer = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

const requestLine = /^[A-Z]{3,20} [^\r\n]* HTTP\/1\.[01]\r?\n/;
const startOfRequest = /^[A-Z]{1,20}(?: |$)/;
const longestRequestLine = 16 * 1024;

/** Opens a tunnel to a host, or hands the connection to whoever reads what is in it. */
export async function openTunnel(
  socket: Duplex,
  target: TunnelTarget,
  session: LiveSession,
  answers: TunnelAnswers,
  takers: TunnelTakers,
): Promise<void> {
  const { host, port } = target;
  const verdict = session.policy.host(host, port);
  if (verdict.allowed && session.inspects(host, port)) {
    answers.opened();
    await readInside(socket, target, session, takers);
    return;
  }
  const exchange = await session.begin(target, verdict, []);
  if (!(exchange instanceof Exchange)) {
    answers.refused(exchange);
    return;
  }
  exchange.onCut(() => socket.destroy());
  let upstream: Socket;
  try {
    upstream = await session.dial(host, port);
  } catch (error) {
    const refusal = unreachable(error instanceof Error ? error : new Error(String(error)));
    exchange.end({ problem: refusal.rule });
    answers.refused(refusal);
    return;
  }
  upstream.allowHalfOpen = true;
  if (exchange.ended || socket.destroyed) {
    upstream.destroy();
    exchange.end({ problem: 'aborted' });
    return;
  }
  answers.opened();
  await joinChecked(socket, upstream, target, session, exchange, takers);
}

/** A host whose requests are read: what comes must be TLS for it, or HTTP. */
async function readInside(
  socket: Duplex,
  target: TunnelTarget,
  session: LiveSession,
  takers: TunnelTakers,
): Promise<void> {
  const opening = new Opening(socket);
  const first = await firstWords(opening);
  opening.giveBack();
  if (first === undefined) {
    socket.destroy();
    return;
  }
  if (first.kind === 'tls' && speaksTo(first.serverName, target, session)) {
    takers.intercept(socket, target);
    return;
  }
  if (first.kind === 'http') {
    takers.http(socket, target);
    return;
  }
  const rule = first.kind === 'tls' ? 'sni-mismatch' : 'protocol';
  session.refuse(target, { status: 421, rule, message: rule });
  if (first.kind === 'tls') socket.end(unrecognizedName);
  else socket.destroy();
}

/** A host that is only passed through. It may speak first; what the client says is held until it is known to be for this host. */
async function joinChecked(
  socket: Duplex,
  upstream: Socket,
  target: TunnelTarget,
  session: LiveSession,
  exchange: Exchange,
  takers: TunnelTakers,
): Promise<void> {
  // A connection may lie idle before its first word, as those of a pool do.
  const opening = new Opening(socket, { patient: true });
  const early = (chunk: Buffer): void => {
    if (exchange.in(chunk.length) && !socket.write(chunk)) {
      upstream.pause();
      socket.once('drain', () => upstream.resume());
    }
  };
  const lost = (): void => {
    if (!socket.writableEnded) socket.end();
  };
  exchange.onCut(() => {
    socket.destroy();
    upstream.destroy();
  });
  upstream.on('data', early);
  upstream.once('end', lost);
  upstream.once('close', lost);
  const first = await firstWords(opening);
  upstream.off('data', early);
  upstream.off('end', lost);
  upstream.off('close', lost);
  opening.giveBack();
  if (first === undefined || upstream.destroyed || exchange.ended) {
    upstream.destroy();
    socket.destroy();
    exchange.end(first === undefined ? {} : { problem: 'aborted' });
    return;
  }
  if (first.kind === 'http') {
    upstream.destroy();
    exchange.end({});
    takers.http(socket, target);
    return;
  }
  if (first.kind === 'tls' && !speaksTo(first.serverName, target, session)) {
    exchange.end({ problem: 'sni-mismatch' });
    upstream.destroy();
    socket.end(unrecognizedName);
    return;
  }
  joinStreams(socket, upstream, exchange);
}

type FirstWords =
  | { readonly kind: 'tls'; readonly serverName: string | undefined }
  | { readonly kind: 'http' | 'other' };

async function firstWords(opening: Opening): Promise<FirstWords | undefined> {
  let bytes = await opening.atLeast(1);
  while (bytes !== undefined && looksLikeTls(bytes)) {
    const hello = readClientHello(bytes);
    // What begins as TLS and is none would be read by nobody here, and by the host who knows how.
    if (hello === undefined) return { kind: 'tls', serverName: '' };
    if (typeof hello !== 'number') return { kind: 'tls', serverName: hello.serverName };
    bytes = await opening.atLeast(hello);
  }
  while (bytes !== undefined) {
    // Servers pass over empty lines before a request (RFC 9112, 2.2).
    const text = bytes.toString('latin1', 0, longestRequestLine).replace(/^[\r\n]+/, '');
    if (text !== '' && !startOfRequest.test(text)) return { kind: 'other' };
    if (requestLine.test(text)) return { kind: 'http' };
    if (/[\r\n]/.test(text) || bytes.length >= longestRequestLine) return { kind: 'other' };
    bytes = await opening.atLeast(bytes.length + 1);
  }
  return undefined;
}

/** Whether TLS with this server name is for the host of the tunnel, or for one that may be reached at an address in the same way. */
function speaksTo(
  serverName: string | undefined,
  { host, port }: TunnelTarget,
  session: LiveSession,
): boolean {
  if (serverName === undefined) return host.address !== undefined;
  const named = readHost(serverName);
  if (named === undefined) return false;
  if (named.text === host.text) return true;
  return (
    host.address !== undefined &&
    session.policy.host(named, port).allowed &&
    !session.inspects(named, port)
  );
}
