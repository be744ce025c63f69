import { createServer, type IncomingMessage, type Server } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  Http2ServerRequest,
  Http2ServerResponse,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { readAuthority } from '../policy/host-name.ts';
import type { LiveSession } from '../session/live-session.ts';
import { Opening } from '../tunnel/opening.ts';
import { openTunnel, type TunnelTarget, type TunnelTakers } from '../tunnel/open-tunnel.ts';
import { serveSocks } from '../tunnel/socks.ts';
import { forwardRequest } from './forward-request.ts';
import { forwardUpgrade } from './forward-upgrade.ts';
import { type HeaderList, headerList, headerValues } from './header-list.ts';
import { type Link, linkOf, setLink } from './link.ts';
import { type ClientRequest, type PreparedRequest, prepareRequest } from './prepare-request.ts';
import type { Refusal } from './request-target.ts';
import {
  type AnyRequest,
  type AnyResponse,
  breakOff,
  isGone,
  respondRefusal,
  writeRefusal,
} from './respond.ts';

const socksVersion = 5;
const idleMs = 60_000;
const handshakeMs = 30_000;
const mostStreams = 128;

/** The servers that speak to programs in sandboxes. They listen nowhere: connections are handed to them. */
export class ProxyServers {
  readonly #plain: Server;
  readonly #secure: Http2SecureServer;
  readonly #takers: TunnelTakers;

  constructor() {
    const limits = {
      // A server that listens nowhere watches no time-outs but this. Who is slow holds connections of its own session, which are counted.
      keepAliveTimeout: idleMs,
      maxHeaderSize: 64 * 1024,
    };
    this.#plain = createServer(limits);
    this.#plain.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      guard(this.#connect(request, socket, head), socket);
    });
    this.#secure = createSecureServer({
      ...limits,
      allowHTTP1: true,
      // Floods of resets, pings, settings and empty frames are bounded by Node and its nghttp2.
      settings: { maxConcurrentStreams: mostStreams, maxHeaderListSize: limits.maxHeaderSize },
    });
    for (const server of [this.#plain, this.#secure]) {
      server.on('request', (request: AnyRequest, response: AnyResponse) => {
        guard(serveRequest(request, response), { destroy: () => breakOff(response) });
      });
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        guard(serveUpgrade(request, socket, head), socket);
      });
      server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
        refuseMalformed(error, socket);
      });
    }
    this.#secure.on('connect', (request: AnyRequest, answer: Duplex | Http2ServerResponse) => {
      refuseTunnel(request, answer);
    });
    this.#takers = {
      intercept: (socket, target) => guard(this.#intercept(socket, target), socket),
      http: (socket, { host, port }) => {
        setLink(socket, { ...linkOf(socket), pinned: { host, port } });
        this.#plain.emit('connection', socket);
      },
    };
  }

  /** Serves one connection that a program has made to the proxy. */
  serve(session: LiveSession, socket: Duplex): void {
    setLink(socket, { session, scheme: 'http' });
    guard(this.#open(session, socket), socket);
  }

  async #open(session: LiveSession, socket: Duplex): Promise<void> {
    const opening = new Opening(socket);
    const first = await opening.atLeast(1);
    opening.giveBack();
    if (first === undefined) socket.destroy();
    else if (first[0] === socksVersion) await serveSocks(socket, session, this.#takers);
    else this.#plain.emit('connection', socket);
  }

  async #connect(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const link = linkOf(socket);
    const { session } = link;
    const refused = (refusal: Refusal): void => writeRefusal(socket, refusal);
    const target = readAuthority(request.url ?? '', undefined);
    const hosts = headerValues(headerList(request.rawHeaders), 'host');
    const said = hosts.map((text) => readAuthority(text, target?.port));
    const attempt = { protocol: 'tunnel', method: 'CONNECT' } as const;
    if (target === undefined || link.pinned !== undefined || hosts.length > 1) {
      const message = 'CONNECT takes one host and port, and is not taken within a tunnel';
      refused(session.refuse(attempt, { status: 400, rule: 'malformed', message }));
      return;
    }
    if (said.some((other) => other?.host.text !== target.host.text)) {
      const message = 'the Host header names another host';
      refused(
        session.refuse({ ...attempt, ...target }, { status: 421, rule: 'host-mismatch', message }),
      );
      return;
    }
    if (head.length > 0) socket.unshift(head);
    const opened = (): void => void socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const tunnel: TunnelTarget = { protocol: 'tunnel', ...target };
    await openTunnel(socket, tunnel, session, { opened, refused }, this.#takers);
  }

  async #intercept(socket: Duplex, { host, port }: TunnelTarget): Promise<void> {
    const { session } = linkOf(socket);
    const secureContext = await session.authority.contextFor(host);
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    setLink(secured, { session, scheme: 'https', pinned: { host, port } });
    const timer = setTimeout(() => socket.destroy(), handshakeMs);
    const failed = (): void => {
      clearTimeout(timer);
      const message = 'the client does not take the certificate of this session';
      session.refuse(
        { protocol: 'https', host, port },
        { status: 403, rule: 'tls-client', message },
      );
      socket.destroy();
    };
    secured.on('error', () => secured.destroy());
    secured.once('error', failed);
    secured.once('close', () => clearTimeout(timer));
    secured.once('secure', () => {
      clearTimeout(timer);
      secured.off('error', failed);
      this.#secure.emit('secureConnection', secured);
      // HTTP/2 takes a connection that no TLS server has made for one that is still connecting, and waits for this.
      secured.emit('secureConnect');
    });
  }
}

/** Whatever goes wrong with one connection ends that connection, and nothing else. */
function guard(work: Promise<void>, connection: { destroy(): unknown }): void {
  work.catch(() => connection.destroy());
}

async function serveRequest(request: AnyRequest, response: AnyResponse): Promise<void> {
  const link = linkOf(connectionOf(request));
  response.on('error', () => response.destroy());
  const prepared = await prepareRequest(clientRequest(request, false), link);
  if (!('exchange' in prepared)) respondRefusal(response, prepared);
  else if (isGone(response)) prepared.exchange.end({ problem: 'aborted' });
  else if (prepared.exchange.ended) breakOff(response);
  else await forwardRequest(request, response, prepared, link);
}

async function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const link = linkOf(connectionOf(request));
  const { method = '', headers } = request;
  if (headers.upgrade?.toLowerCase() !== 'websocket' || method !== 'GET') {
    const message = 'the proxy upgrades to websocket and to nothing else';
    const attempt = { protocol: link.scheme, method, ...link.pinned };
    writeRefusal(socket, link.session.refuse(attempt, { status: 501, rule: 'upgrade', message }));
    return;
  }
  const prepared = await prepareRequest(clientRequest(request, true), link);
  if (!('exchange' in prepared)) writeRefusal(socket, prepared);
  else if (socket.destroyed) prepared.exchange.end({ problem: 'aborted' });
  else if (prepared.exchange.ended) socket.destroy();
  else guarded(prepared, () => forwardUpgrade(socket, head, prepared, link));
}

/** A request that Node does not write out has not happened. */
function guarded({ exchange }: PreparedRequest, send: () => void): void {
  try {
    send();
  } catch (error) {
    exchange.end({ problem: 'unsendable' });
    throw error;
  }
}

/** A tunnel within TLS that is ended here, by either version; with it go the protocols that HTTP/2 opens in this way (RFC 8441). */
function refuseTunnel(request: AnyRequest, answer: Duplex | Http2ServerResponse): void {
  const { session, scheme, pinned } = linkOf(connectionOf(request));
  const message = 'CONNECT is not taken within a tunnel';
  const refusal = session.refuse(
    { protocol: scheme, method: 'CONNECT', ...pinned },
    { status: 405, rule: 'method-CONNECT', message },
  );
  if (answer instanceof Http2ServerResponse) respondRefusal(answer, refusal);
  else writeRefusal(answer, refusal);
}

function connectionOf(request: AnyRequest): object | undefined {
  return request instanceof Http2ServerRequest ? request.stream.session?.socket : request.socket;
}

function clientRequest(request: AnyRequest, webSocket: boolean): ClientRequest {
  const { method = '', url = '', rawHeaders } = request;
  const headers = headerList(rawHeaders);
  if (!(request instanceof Http2ServerRequest)) return { method, url, headers, webSocket };
  const { authority, scheme: saidScheme } = request;
  return { method, url, headers: oneCookie(headers), authority, saidScheme, webSocket };
}

/** HTTP/2 may send cookies apart, which HTTP/1.1 must not (RFC 9113, 8.2.3). */
function oneCookie(headers: HeaderList): HeaderList {
  const cookies = headerValues(headers, 'cookie');
  if (cookies.length < 2) return headers;
  const others = headers.filter(([name]) => name.toLowerCase() !== 'cookie');
  return [...others, ['cookie', cookies.join('; ')]];
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { session, scheme, pinned }: Link = linkOf(socket);
  // A connection that breaks off is no request.
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable) {
    socket.destroy();
    return;
  }
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const message = late ? 'the request did not come' : `the request is malformed (${error.code})`;
  const refusal = { status: late ? 408 : 400, rule: 'malformed', message };
  writeRefusal(socket, session.refuse({ protocol: scheme, ...pinned }, refusal));
}
