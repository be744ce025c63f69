import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as startTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { NetworkPolicy } from '@gantry/core';
import type { DriverHandle, DriverWrapper } from '@gantry/core/driver';
import { certificateFor, testNetwork } from '../checks/egress/test-network.ts';

/** What a proxy that somebody has written in an afternoon gets wrong. */
export interface Naivety {
  /** Lets everything through, to any address. */
  readonly open?: true;
  /** Goes by the Host header. */
  readonly trustsHost?: true;
  /** Resolves a name to judge it, and again to connect. */
  readonly resolvesTwice?: true;
  /** Opens TLS, and gives what it finds out as a placeholder's secret to whoever it talks to. */
  readonly gives?: 'anyone' | 'listed';
}

interface Facts extends Naivety {
  readonly policy: NetworkPolicy;
  readonly secret: () => Promise<string | undefined>;
}

/** A wrapper under which programs in a sandbox are led to a naive proxy, where it has an allow-list. */
export function throughNaiveProxy(naivety: Naivety): DriverWrapper {
  return (driver) => {
    const ports = new WeakMap<DriverHandle, number>();
    return {
      ...driver,
      async create(request, call) {
        const handle = await driver.create(request, call);
        const { network: policy, secrets = {}, secretResolver } = request;
        if (policy.mode !== 'allow-list' || !driver.network?.intercept) return handle;
        const [rule] = Object.values(secrets);
        const secret = async (): Promise<string | undefined> =>
          rule && (await secretResolver?.(rule.from));
        const take = (connection: Duplex): void =>
          void serve(connection, { ...naivety, policy, secret }).catch(() => connection.destroy());
        const { port } = await driver.network.intercept(handle, {}, take, call);
        ports.set(handle, port);
        return handle;
      },
      spawn(handle, command, call) {
        const port = ports.get(handle);
        const url = `http://127.0.0.1:${port}`;
        const env = port === undefined ? {} : { HTTP_PROXY: url, http_proxy: url };
        return driver.spawn(handle, { ...command, env: { ...env, ...command.env } }, call);
      },
    };
  };
}

/** Serves one connection of a program in a sandbox. */
export async function serve(client: Duplex, facts: Facts): Promise<void> {
  client.on('error', () => client.destroy());
  const first = await next(client);
  if (first[0] === 5) return serveSocks(client, facts, first);
  const text = first.toString('latin1');
  const [line = '', ...headers] = text.split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  const said = /^host: *(.*)$/im.exec(headers.join('\n'))?.[1] ?? '';
  if (method === 'CONNECT') {
    const port = Number(target.slice(target.lastIndexOf(':') + 1));
    const host = target.slice(0, target.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
    if (facts.gives && port !== 80) {
      if (facts.gives === 'listed' && !listed(facts, host, port)) return refuse(client);
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      return intercept(client, host, port, facts);
    }
    const upstream = await reach(facts, host, port);
    if (!upstream) return refuse(client);
    client.write('HTTP/1.1 200 OK\r\n\r\n');
    return join(client, upstream);
  }
  const url = /^http:\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#\\]*)(?::(\d+))?/i.exec(target);
  const named = facts.trustsHost ? /^(\[[^\]]*\]|[^:,]*)(?::(\d+))?/.exec(said) : url;
  const host = (named?.[1] ?? '').replace(/^\[(.*)\]$/, '$1');
  const port = Number(named?.[2] ?? 80);
  const upstream = await reach(facts, host, port, url?.[1]);
  if (!upstream) return refuse(client);
  const path = target.slice(url?.[0].length ?? 0) || '/';
  const value = facts.gives ? await facts.secret() : undefined;
  const bytes = text.replace(target, path);
  // The rest of what comes is somebody else's business.
  upstream.write(value === undefined ? Buffer.from(bytes, 'latin1') : fill(bytes, value));
  return join(client, upstream);
}

async function serveSocks(client: Duplex, facts: Facts, first: Buffer): Promise<void> {
  let bytes = first;
  while (bytes.length < 8) bytes = Buffer.concat([bytes, await next(client)]);
  const length = bytes[7] ?? 0;
  const host = bytes.toString('latin1', 8, 8 + length);
  const upstream = await reach(facts, host, bytes.readUInt16BE(8 + length));
  client.write(Buffer.from([5, 0, 5, upstream ? 0 : 2, 0, 1, 0, 0, 0, 0, 0, 0]));
  if (upstream) join(client, upstream);
  else client.end();
}

async function intercept(client: Duplex, host: string, port: number, facts: Facts): Promise<void> {
  const first = await next(client);
  client.unshift(first);
  const secured =
    first[0] === 0x16
      ? new TLSSocket(client, {
          isServer: true,
          secureContext: contextFor(host),
          // Whatever name the client would like.
          SNICallback: (name, tell) => tell(null, contextFor(name)),
        })
      : client;
  secured.on('error', () => secured.destroy());
  const text = (await next(secured)).toString('latin1');
  const upstream = await reach({ ...facts, open: true }, host, port);
  if (!upstream) return void secured.destroy();
  const servername = isIP(host) ? 'other.test' : host;
  // Whoever answers is believed.
  const believed = startTls({ socket: upstream, servername, rejectUnauthorized: false });
  believed.on('error', () => believed.destroy());
  const value = await facts.secret();
  believed.write(value === undefined ? text : fill(text, value));
  join(secured, believed);
}

function contextFor(name: string): SecureContext {
  const { certificate: cert, key } = certificateFor([name]);
  return createSecureContext({ cert, key });
}

/** Puts a secret where something of its shape is. */
function fill(text: string, value: string): string {
  return text.replaceAll(/sk-test-[0-9a-z]{48}/gi, value);
}

async function reach(
  facts: Facts,
  host: string,
  port: number,
  judged: string = host,
): Promise<Socket | undefined> {
  if (!facts.open && !listed(facts, judged, port)) return undefined;
  const resolve = async (): Promise<string | undefined> =>
    isIP(host) ? host : (await testNetwork.lookup(host).catch(() => []))[0];
  const address = await resolve();
  if (facts.resolvesTwice && address !== undefined && !covered(facts, address)) return undefined;
  const at = facts.resolvesTwice ? await resolve() : address;
  // Nobody is bothered whose address is not of this machine.
  if (at === undefined || !/^127\.|^::|^0\./.test(at)) return undefined;
  const socket = connect({ host: at, port });
  socket.on('error', () => socket.destroy());
  return new Promise((done) => {
    socket.once('connect', () => done(socket)).once('close', () => done(undefined));
  });
}

function listed({ policy }: Facts, host: string, port: number): boolean {
  const allow = policy.mode === 'allow-list' ? policy.allow : [];
  return allow.some((entry) => entry === `${host}:${port}` || entry === `${host}/32:${port}`);
}

function covered({ policy }: Facts, address: string): boolean {
  return policy.mode === 'allow-list' && policy.allow.some((entry) => entry.startsWith(address));
}

function refuse(client: Duplex): void {
  client.end('HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
}

function join(one: Duplex, other: Duplex): void {
  one.pipe(other).pipe(one);
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
}

async function next(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    stream.once('data', (chunk: Buffer) => {
      stream.pause();
      resolve(chunk);
    });
    stream.once('close', () => reject(new Error('cut')));
    stream.resume();
  });
}
