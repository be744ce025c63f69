import { createHash, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls';
import { type NameServer, startNameServer } from './name-server.ts';
import { certificateFor, forgedCertificateFor, zoneOf } from './test-network.ts';

/** One request, as a host got it. */
export interface Arrival {
  readonly at: 'http' | 'https' | 'second' | 'hidden';
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** Hosts on this machine that stand for the world outside, and services of the machine that no sandbox may reach. */
export interface World extends AsyncDisposable {
  /** The loopback address of all hosts that a policy may name. */
  readonly address: string;
  /** An address of the machine that no policy names; a service is at port `http` of it. */
  readonly hidden: string;
  /** Ports: hosts without and with TLS, where `forged` has a certificate that nobody believes, and another service of theirs. */
  readonly ports: Readonly<Record<'http' | 'https' | 'second', number>>;
  /** A service on every address of the machine, TCP and UDP. */
  readonly ownPort: number;
  /** The full name of a host: all are at `address`, but `rebound` at `hidden`, and `flip` at either in turn. */
  readonly name: (host: string) => string;
  readonly arrivals: Arrival[];
  /** What came to the machine's own service, and connections to `hidden`. */
  readonly reached: string[];
  /** Names that somebody has asked for. */
  readonly asked: readonly string[];
}

const webSocketId = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Starts them. `web`: at ports 80 and 443, which takes a privilege. */
export async function startWorld({ web }: { readonly web: boolean }): Promise<World> {
  const octets = (): string => `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
  const [address, hidden] = [octets(), octets()];
  const arrivals: Arrival[] = [];
  const reached: string[] = [];
  let flips = 0;
  const names: NameServer = await startNameServer((name) => {
    const host = name.split('.').at(-4) ?? '';
    if (host === 'nowhere' || !name.endsWith(zoneOf(names.port))) return undefined;
    if (host === 'rebound') return hidden;
    return host === 'flip' && flips++ % 2 === 1 ? hidden : address;
  });
  const zone = zoneOf(names.port);
  const serve =
    (at: Arrival['at']) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const { method = '', url = '', headers } = request;
      arrivals.push({ at, method, url, host: headers.host ?? '', headers });
      request.resume().once('end', () => answer(request, response));
    };
  const trusted = certificateFor([`*.${zone}`, `*.wild.${zone}`]);
  const forged = forgedCertificateFor([`*.${zone}`]);
  const context = ({ certificate: cert, key }: typeof trusted): SecureContext =>
    createSecureContext({ cert, key });
  const contexts = { trusted: context(trusted), forged: context(forged) };
  // Takes whatever a careless server takes, so that what is smuggled past a policy would arrive.
  const careless = { insecureHTTPParser: true };
  const web1 = createServer(careless, serve('http')).on('upgrade', upgrade);
  const SNICallback: TlsOptions['SNICallback'] = (name, tell) =>
    tell(null, name.startsWith('forged.') ? contexts.forged : contexts.trusted);
  const { certificate: cert, key } = trusted;
  const web2 = createSecureServer({ cert, key, SNICallback }, serve('https'));
  const own = createTcp((socket) => {
    reached.push(`tcp ${socket.remoteAddress ?? ''}`);
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nreached');
  });
  const inside = createServer(serve('hidden'));
  inside.on('connection', () => reached.push('hidden'));
  const servers: Server[] = [own, web1, web2, inside];
  const second = createServer(serve('second'));
  servers.push(second);
  // Those that were upgraded no server knows any more.
  const sockets = new Set<Socket>();
  for (const server of servers) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
  }
  const http = await listen(web1, address, web ? 80 : 0);
  await listen(inside, hidden, http);
  const ownPort = await listen(own, '0.0.0.0', 0);
  const datagrams = createSocket('udp4', () => reached.push('udp')).unref();
  await new Promise<void>((resolve, reject) => {
    datagrams.once('error', reject);
    datagrams.bind(ownPort, '0.0.0.0', resolve);
  });
  return {
    ...{ address, hidden, ownPort, arrivals, reached, asked: names.asked },
    ports: {
      http,
      https: await listen(web2, address, web ? 443 : 0),
      second: await listen(second, address, 0),
    },
    name: (host) => `${host}.${zone}`,
    async [Symbol.asyncDispose]() {
      names.close();
      datagrams.close();
      for (const socket of sockets) socket.destroy();
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      await Promise.all(closed);
    },
  };
}

/** What a path asks for: `/echo` and `/split` tell what was sent, `/to?URL` leads elsewhere. */
function answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
  const [path, query = ''] = url.split('?');
  if (path === '/to') {
    response.writeHead(302, { location: decodeURIComponent(query) }).end('elsewhere');
    return;
  }
  const said = JSON.stringify({ url, headers });
  if (path !== '/split') {
    response.end(path === '/echo' ? said : 'answered');
    return;
  }
  // In pieces of three bytes, each sent by itself.
  const pieces = said.match(/[\s\S]{1,3}/g) ?? [];
  const next = (): void => {
    const piece = pieces.shift();
    if (piece === undefined) response.end();
    else response.write(piece, () => setImmediate(next));
  };
  next();
}

/** Takes any WebSocket, and says everything again. */
function upgrade(request: IncomingMessage, socket: Duplex): void {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}${webSocketId}`).digest('base64');
  socket.on('error', () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.pipe(socket);
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  server.unref();
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('the server has no port');
  return bound.port;
}
