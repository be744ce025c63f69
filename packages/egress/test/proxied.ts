import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type {
  EgressEngine,
  EgressEvent,
  EgressOptions,
  EgressSession,
  SessionOptions,
} from '../src/index.ts';
import { createEgressEngine } from '../src/index.ts';
import { SessionAuthority } from '../src/tls/session-authority.ts';

/** What an upstream saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly version: string;
}

/** A real host on the loopback, and all that reached it. */
export interface Upstream {
  readonly port: number;
  readonly seen: Seen[];
  /** Takes over connections that become another protocol. */
  readonly onUpgrade: (take: (request: IncomingMessage, socket: Duplex) => void) => void;
}

/** A proxy whose door is a port of the loopback, in the place of a sandbox's. */
export interface Proxied extends AsyncDisposable {
  readonly engine: EgressEngine;
  readonly session: EgressSession;
  readonly events: EgressEvent[];
  readonly port: number;
}

/** Servers that listen, with their connections. */
const open = new Map<Server, Set<Socket>>();

/** The port of a server that now listens on the loopback. Ended by `closeServers`. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  open.set(server, sockets);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Ends every server of this file's tests. */
export async function closeServers(): Promise<void> {
  await Promise.all([...open.keys()].map(closeServer));
}

/** Ends a server and every connection to it. */
async function closeServer(server: Server): Promise<void> {
  const sockets = open.get(server) ?? [];
  open.delete(server);
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const socket of sockets) socket.destroy();
  await closed;
}

async function certify(
  authority: SessionAuthority,
  name: string,
  done: (error: Error | null, context?: SecureContext) => void,
): Promise<void> {
  done(null, await authority.contextFor({ text: name }));
}

const echo: RequestListener = (_request, response) => {
  response.end('ok');
};

/** An HTTP host that records what it is asked. */
export async function httpUpstream(answer: RequestListener = echo): Promise<Upstream> {
  const seen: Seen[] = [];
  const server = createHttpServer((request, response) => {
    record(request, seen, () => answer(request, response));
  });
  const port = await listen(server);
  return { port, seen, onUpgrade: (take) => void server.on('upgrade', take) };
}

/** An HTTPS host of every name, certified by `authority`, with HTTP/2 and HTTP/1.1, or with the latter alone. */
export async function httpsUpstream(
  authority: SessionAuthority,
  answer: RequestListener = echo,
  versions: 'both' | 'http/1.1' = 'both',
): Promise<Upstream> {
  const seen: Seen[] = [];
  const take: RequestListener = (request, response) => {
    record(request, seen, () => answer(request, response));
  };
  const options = certified(authority);
  const server =
    versions === 'both'
      ? createSecureServer({ ...options, allowHTTP1: true }, (request, response) => {
          take(request as unknown as IncomingMessage, response as never);
        })
      : createHttpsServer(options, take);
  const port = await listen(server);
  return { port, seen, onUpgrade: (upgrade) => void server.on('upgrade', upgrade) };
}

/** What a server of TLS needs to be taken for every host. */
export function certified(authority: SessionAuthority): {
  readonly SNICallback: (
    name: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ) => void;
} {
  return { SNICallback: (name, done) => void certify(authority, name, done) };
}

/** A connection to a host through the proxy, with TLS that trusts the session's authority alone. */
export async function tunnelTo(
  through: Proxied,
  authorityOf: string,
  protocols: readonly string[],
): Promise<TLSSocket> {
  const socket = connect(through.port, '127.0.0.1');
  socket.write(`CONNECT ${authorityOf} HTTP/1.1\r\nHost: ${authorityOf}\r\n\r\n`);
  await once(socket, 'data');
  const secured = connectTls({
    socket,
    ca: through.session.caCertificate,
    servername: authorityOf.split(':')[0] ?? '',
    ALPNProtocols: [...protocols],
  });
  await once(secured, 'secureConnect');
  return secured;
}

function record(request: IncomingMessage, seen: Seen[], done: () => void): void {
  const parts: Buffer[] = [];
  let broken = false;
  request.on('data', (chunk: Buffer) => parts.push(chunk));
  request.once('aborted', () => {
    broken = true;
  });
  request.on('end', () => {
    if (broken) return;
    seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.rawHeaders,
      body: Buffer.concat(parts).toString(),
      version: request.httpVersion,
    });
    done();
  });
}

/** An authority that certifies upstreams, in the place of the public ones. */
export async function publicAuthority(): Promise<SessionAuthority> {
  return SessionAuthority.create();
}

/** A session whose names all are on the loopback, which its policy must therefore name. */
export async function proxied(
  session: Omit<SessionOptions, 'sandbox'>,
  options: Partial<EgressOptions> = {},
): Promise<Proxied> {
  const events: EgressEvent[] = [];
  const engine = createEgressEngine({
    record: (batch) => {
      events.push(...batch);
    },
    lookup: async () => Promise.resolve(['127.0.0.1']),
    ...options,
  });
  const opened = await engine.session({ sandbox: 'sandbox-1', ...session });
  const door = createServer((socket) => opened.accept(socket));
  const port = await listen(door);
  const close = async (): Promise<void> => {
    await engine.close();
    await closeServer(door);
  };
  return { engine, session: opened, events, port, [Symbol.asyncDispose]: close };
}

/** Sends bytes and returns everything that comes back until the other side ends. */
export async function talk(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const answers: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => answers.push(chunk));
  // A refusal may come before everything is sent.
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(part);
  const timer = setTimeout(() => socket.destroy(), 30_000);
  await once(socket, 'close');
  clearTimeout(timer);
  return Buffer.concat(answers).toString('latin1');
}

/** The decisions that were recorded, newest last, as `allowed rule` or `denied rule`. */
export async function decisions({ engine, events }: Proxied): Promise<readonly string[]> {
  await engine.events.flush();
  return events.flatMap((event) =>
    event.type === 'decision' ? [`${event.allowed ? 'allowed' : 'denied'} ${event.rule}`] : [],
  );
}
