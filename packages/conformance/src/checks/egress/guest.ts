import { type ClientRequestArgs, type IncomingMessage, request as send } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect as startTls, type TLSSocket } from 'node:tls';
import type { Sandbox } from '@gantry/core';
import type { CheckContext } from '../../runner/check-context.ts';
import { connectInside, hear } from './guest-connection.ts';
import { testNetwork } from './test-network.ts';

/** What a host said, or `status` 0 and why nothing was heard. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** What a request has beside its URL. */
export interface RequestParts {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the URL's host. */
  readonly serverName?: string;
  /** Whom the program believes. Default: the sandbox's authorities, and those of this suite. */
  readonly authorities?: readonly string[];
}

/** A program in a sandbox that heeds its environment: it uses the proxy that is named there, and trusts what it is told to. */
export class Guest {
  readonly sandbox: Sandbox;
  readonly env: ReadonlyMap<string, string>;
  /** Authorities that the sandbox's programs trust, as PEM. */
  readonly authorities: readonly string[];
  /** Absent where the sandbox reaches hosts by itself. */
  readonly proxy: { readonly host: string; readonly port: number } | undefined;
  readonly #limitMs: number;

  private constructor(
    sandbox: Sandbox,
    env: ReadonlyMap<string, string>,
    authorities: readonly string[],
    limitMs: number,
  ) {
    const proxy = env.get('HTTP_PROXY') ?? env.get('http_proxy');
    const url = proxy ? new URL(proxy) : undefined;
    this.proxy = url && { host: url.hostname, port: Number(url.port) };
    this.sandbox = sandbox;
    this.env = env;
    this.authorities = authorities;
    this.#limitMs = limitMs;
  }

  /** Looks at what the programs of a sandbox are given. */
  static async in(t: CheckContext, sandbox: Sandbox): Promise<Guest> {
    const look =
      'env; echo "=== trusted"; for f in "$NODE_EXTRA_CA_CERTS"; do [ -n "$f" ] && cat "$f"; done; true';
    const text = t.succeeded(await sandbox.exec(look), 'a look at the environment');
    const [variables = '', trusted = ''] = text.split('=== trusted\n');
    const env = variables.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    });
    const found = trusted.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return new Guest(sandbox, new Map(env), found, t.limits.command);
  }

  /** A connection to the proxy, or to where there is none, to the host itself. */
  open(host: string, port: number): Promise<Duplex> {
    const { host: to, port: at } = this.proxy ?? { host, port };
    return connectInside(this.sandbox, to, at);
  }

  /** Says these bytes and tells what is answered. They are for the proxy where there is one, else for this host. */
  async say(
    bytes: string | Uint8Array,
    host: string,
    port: number,
    enough?: (text: string) => boolean,
  ): Promise<string> {
    const connection = await this.open(host, port);
    connection.write(bytes);
    return hear(connection, this.#limitMs, enough);
  }

  /** A connection to a host for anything that is not HTTP: by `CONNECT`, or by itself. Absent where that is refused; `why` says how. */
  async tunnel(authority: string): Promise<{ readonly stream?: Duplex; readonly why: string }> {
    const [host, port] = hostAndPort(authority);
    const stream = await this.open(host, port);
    if (!this.proxy) return { stream, why: '' };
    stream.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const head = await firstOf(stream, this.#limitMs);
    if (/^HTTP\/1\.[01] 200 /.test(head)) return { stream, why: '' };
    stream.destroy();
    return { why: head.split('\r\n')[0] ?? '' };
  }

  /** A connection through SOCKS5, by name; what was answered where it is refused. */
  async socks(
    host: string,
    port: number,
  ): Promise<{ readonly stream?: Duplex; readonly why: string }> {
    const stream = await this.open(host, port);
    if (!this.proxy) return { stream, why: '' };
    const name = Buffer.from(host);
    const wanted = [5, 1, 0, 3, name.length, ...name, port >> 8, port & 0xff];
    stream.write(Buffer.from([5, 1, 0, ...wanted]));
    // Two bytes for the greeting, and ten for the request (RFC 1928, 3 and 6).
    const answer = await firstOf(stream, this.#limitMs, 12);
    if (answer.charCodeAt(3) === 0 && answer.length >= 4) return { stream, why: '' };
    stream.destroy();
    return { why: `socks ${[...Buffer.from(answer, 'latin1')].join(' ')}` };
  }

  /** One request as any program makes it. Never rejects for what a host or the proxy does. */
  async request(
    url: string,
    { method = 'GET', headers = {}, serverName, authorities }: RequestParts = {},
  ): Promise<Answer> {
    const { protocol, hostname, host, pathname, search, port } = new URL(url);
    const secure = protocol === 'https:';
    const authority = port === '' ? `${hostname}:${secure ? 443 : 80}` : host;
    if (!secure) {
      const socket = await this.open(hostname, Number(port || 80));
      const path = this.proxy ? url : pathname + search;
      return this.#send(socket, { method, path, headers: { host, ...headers } });
    }
    const { stream, why } = await this.tunnel(authority);
    if (!stream) return { status: Number(/ (\d{3})/.exec(why)?.[1] ?? 0), body: why, headers: {} };
    const secured = this.secure(stream, serverName ?? hostname, authorities);
    return this.#send(secured, { method, path: pathname + search, headers: { host, ...headers } });
  }

  /** TLS as the sandbox's programs speak it. */
  secure(
    stream: Duplex,
    servername: string,
    authorities: readonly string[] = [...this.authorities, ...testNetwork.authorities],
  ): TLSSocket {
    const ca = [...authorities];
    return startTls({ socket: stream, servername, ca, ALPNProtocols: ['http/1.1'] });
  }

  async #send(socket: Duplex, options: ClientRequestArgs): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error('no answer in time')), this.#limitMs);
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('cut')));
        const sent = send({ ...options, createConnection: () => socket });
        sent.once('error', reject);
        sent.once('response', (response) => {
          const parts: Buffer[] = [];
          const { statusCode: status = 0, headers } = response;
          response.on('data', (part: Buffer) => parts.push(part));
          response.once('error', reject);
          response.once('end', () =>
            resolve({ status, body: Buffer.concat(parts).toString('utf8'), headers }),
          );
        });
        sent.end();
      });
    } catch (error) {
      return { status: 0, body: String(error), headers: {} };
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }
}

/** The first bytes that come: a whole head of HTTP, or as many as asked for. The stream goes on afterwards. */
export async function firstOf(stream: Duplex, limitMs: number, bytes?: number): Promise<string> {
  let text = '';
  const whole = (): boolean =>
    bytes === undefined ? text.includes('\r\n\r\n') : text.length >= bytes;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stream.off('readable', read).off('end', done).off('close', done);
      resolve();
    };
    const read = (): void => {
      for (let part: unknown = stream.read(); part !== null; part = stream.read()) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream of bytes
        text += Buffer.from(part as Uint8Array).toString('latin1');
      }
      if (whole()) done();
    };
    const timer = setTimeout(done, limitMs);
    stream.on('readable', read).once('end', done).once('close', done);
    read();
  });
  return text;
}

function hostAndPort(authority: string): readonly [host: string, port: number] {
  const at = authority.lastIndexOf(':');
  return [authority.slice(0, at).replace(/^\[(.*)\]$/, '$1'), Number(authority.slice(at + 1))];
}
