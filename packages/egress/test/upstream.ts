import { createSocket } from 'node:dgram';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import type { SecureServerOptions } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTcp } from 'node:net';
import { readHost } from '../src/policy/host-name.ts';
import { SessionAuthority } from '../src/tls/session-authority.ts';

/** A request as a host got it. */
export interface Arrived {
  readonly host: string | undefined;
  readonly url: string | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** Hosts on this machine that stand for the world outside, and what the host has that no sandbox may reach. */
export interface World extends AsyncDisposable {
  /** Of 127.0.0.2, which a policy has to name. */
  readonly http: number;
  readonly https: number;
  /** Of 127.0.0.1: a service of the host itself, TCP and UDP. */
  readonly own: number;
  readonly arrived: Arrived[];
  /** What came to the host's own service. */
  readonly reached: string[];
  /** Names that somebody has asked for. */
  readonly asked: string[];
  readonly lookup: (name: string) => Promise<readonly string[]>;
  readonly authority: string;
  /** What a server of TLS needs to be taken for a host of this world. */
  readonly certified: Pick<SecureServerOptions, 'SNICallback'>;
}

const names: Readonly<Record<string, string>> = {
  'api.test': '127.0.0.2',
  'other.test': '127.0.0.2',
  'rebound.test': '127.0.0.1',
  'metadata.google.internal': '169.254.169.254',
};

/** The names of this world, and their addresses. */
export async function lookup(name: string): Promise<readonly string[]> {
  const address = names[name];
  if (address === undefined) throw new Error(`there is no ${name}`);
  return [address];
}

/** Starts them. */
export async function startWorld(): Promise<World> {
  const arrived: Arrived[] = [];
  const reached: string[] = [];
  const asked: string[] = [];
  const authority = await SessionAuthority.create();
  const own = createTcp((socket) => {
    reached.push(`tcp ${socket.remoteAddress ?? ''}`);
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe host itself');
  });
  const ownPort = await listen(own, '127.0.0.1');
  const datagrams = createSocket('udp4', () => reached.push('udp'));
  await new Promise<void>((resolve) => datagrams.bind(ownPort, '127.0.0.1', resolve));
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { url, headers } = request;
    arrived.push({ host: headers.host, url, headers });
    if (url === '/redirect') response.writeHead(302, { location: `http://127.0.0.1:${ownPort}/` });
    // Tells the sandbox what it was sent, as a careless host would.
    response.end(url === '/echo' ? JSON.stringify(headers) : 'answered');
  };
  const http = createHttp(answer);
  const certified: World['certified'] = {
    SNICallback: (name, tell) => {
      const host = readHost(name);
      if (!host) return tell(new Error(`no host ${name}`));
      void authority.contextFor(host).then((context) => tell(null, context), tell);
    },
  };
  const https = createHttps(certified, answer);
  const servers: Server[] = [own, http, https];
  return {
    http: await listen(http, '127.0.0.2'),
    https: await listen(https, '127.0.0.2'),
    own: ownPort,
    ...{ arrived, reached, asked, certified, authority: authority.certificate },
    async lookup(name) {
      asked.push(name);
      return lookup(name);
    },
    async [Symbol.asyncDispose]() {
      datagrams.close();
      http.closeAllConnections();
      https.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

async function listen(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}
