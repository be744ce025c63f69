import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SandboxEvents } from '../src/sandbox/sandbox-events.ts';
import type { SessionAuthority } from '../src/tls/session-authority.ts';
import {
  closeServers,
  decisions,
  httpsUpstream,
  httpUpstream,
  listen,
  type Proxied,
  proxied,
  publicAuthority,
  talk,
  type Upstream,
} from './proxied.ts';

// What a program does that knows how the proxy is made, alone or together with a host that it may speak to.

const real = 'sk-live-Zk3vT9qLw2Xy8RbN4mCd7HfJ';
let authority: SessionAuthority;
let plain: Upstream;
let secure: Upstream;

const answer: RequestListener = (request, response) => {
  const key = String(request.headers['x-key'] ?? '');
  if (request.url === '/name') {
    response.setHeader(`x-${key}`, 'here');
    response.end();
  } else if (request.url === '/zipped-transfer') {
    const body = gzipSync(`you are ${key}`);
    const socket = request.socket;
    socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n',
    );
    socket.write(`${body.length.toString(16)}\r\n`);
    socket.write(body);
    socket.end('\r\n0\r\n\r\n');
  } else response.end('ok');
};

beforeAll(async () => {
  authority = await publicAuthority();
  [plain, secure] = await Promise.all([httpUpstream(answer), httpsUpstream(authority, answer)]);
});

afterAll(closeServers);

const get = (port: number, host = 'ok.test'): string =>
  `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`;

/** A connection to a host through the proxy, with TLS that trusts the session's authority alone. */
async function tunnel(
  through: Proxied,
  host: string,
  port: number,
  protocol: string,
): Promise<TLSSocket> {
  const socket = connect(through.port, '127.0.0.1');
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  await once(socket, 'data');
  const ca = through.session.caCertificate;
  const secured = connectTls({ socket, ca, servername: host, ALPNProtocols: [protocol] });
  secured.on('error', () => undefined);
  await once(secured, 'secureConnect');
  return secured;
}

async function ask(secured: TLSSocket, lines: readonly string[]): Promise<Buffer> {
  secured.write([...lines, '', ''].join('\r\n'));
  const parts: Buffer[] = [];
  secured.on('data', (chunk: Buffer) => parts.push(chunk));
  if (!secured.destroyed) await once(secured, 'close');
  return Buffer.concat(parts);
}

/** Allows the address, and no name. */
const another = { mode: 'allow-list', allow: ['127.0.0.1'] } as const;

test('a policy that changes while a name is looked up holds for what waits for the name', async () => {
  const asked = Promise.withResolvers<void>();
  const known = Promise.withResolvers<string[]>();
  await using proxy = await proxied(
    { policy: { mode: 'allow-list', allow: [`ok.test:${plain.port}`, '127.0.0.1'] } },
    { lookup: () => (asked.resolve(), known.promise) },
  );
  const before = plain.seen.length;
  const reply = talk(proxy.port, get(plain.port));
  await asked.promise;
  proxy.session.update(another);
  known.resolve(['127.0.0.1']);
  expect(await reply).toContain(' 403 ');
  expect(plain.seen).toHaveLength(before);
  expect(await decisions(proxy)).toEqual(['denied not-listed']);
});

test.each(['update', 'close'] as const)(
  '%s while a secret is looked up lets nothing out',
  async (way) => {
    const asked = Promise.withResolvers<void>();
    const known = Promise.withResolvers<string>();
    let first = true;
    const { port } = secure;
    const proxy = await proxied(
      {
        policy: { mode: 'allow-list', allow: [`ok.test:${port}`, '127.0.0.1'] },
        secrets: { KEY: { from: 'api', hosts: [`ok.test:${port}`], header: 'x-key' } },
      },
      {
        authorities: [authority.certificate],
        secrets: () => {
          if (first) {
            first = false;
            return real;
          }
          asked.resolve();
          return known.promise;
        },
      },
    );
    const before = secure.seen.length;
    const secured = await tunnel(proxy, 'ok.test', port, 'http/1.1');
    const reply = ask(secured, ['GET / HTTP/1.1', `Host: ok.test:${port}`, 'Connection: close']);
    await asked.promise;
    if (way === 'update') proxy.session.update(another);
    else await proxy.session.close();
    known.resolve(real);
    expect((await reply).toString()).not.toContain(' 200 ');
    expect(secure.seen).toHaveLength(before);
    await proxy[Symbol.asyncDispose]();
    expect(proxy.events.at(-1)).toMatchObject({
      type: 'end',
      problem: way === 'update' ? 'policy' : 'closed',
    });
  },
);

async function brokered(): Promise<Proxied> {
  const { port } = secure;
  return proxied(
    {
      policy: { mode: 'allow-list', allow: [`ok.test:${port}`, '127.0.0.1'] },
      secrets: { KEY: { from: 'api', hosts: [`ok.test:${port}`], header: 'x-key' } },
    },
    { authorities: [authority.certificate], secrets: () => real },
  );
}

test('a secret does not come back in the name of a header, in a coded transfer, or in a compressed refusal', async () => {
  const { port } = secure;
  await using proxy = await brokered();
  const request = async (path: string, ...more: readonly string[]): Promise<Buffer> => {
    const secured = await tunnel(proxy, 'ok.test', port, 'http/1.1');
    const close = more.length === 0 ? ['Connection: close'] : more;
    return ask(secured, [`GET ${path} HTTP/1.1`, `Host: ok.test:${port}`, ...close]);
  };
  const shown = proxy.session.environment()['KEY'] ?? '';
  expect((await request('/name')).toString().toLowerCase()).toContain(
    `x-${shown}: here`.toLowerCase(),
  );
  const zipped = gzipSync(`you are ${real}`).subarray(10);
  expect((await request('/zipped-transfer')).includes(zipped)).toBe(false);
  const body = gzipSync(`you are ${real}`);
  secure.onUpgrade((_request, socket) => {
    const head = ['HTTP/1.1 403 No', 'Content-Encoding: gzip', `Content-Length: ${body.length}`];
    socket.write([...head, 'Connection: close', '', ''].join('\r\n'));
    socket.end(body);
  });
  const upgrade = [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const refused = await request('/chat', ...upgrade);
  expect(refused.toString()).toMatch(/^HTTP\/1\.1 403 /);
  expect(refused.includes(zipped)).toBe(false);
  expect(refused.toString()).toContain(`you are ${shown}`);
});

test('a recorder that fails with one error for ever does not keep the engine open', async () => {
  const failure = new Error('the journal is lost');
  const proxy = await proxied(
    { policy: { mode: 'allow-list', allow: [`ok.test:${plain.port}`, '127.0.0.1'] } },
    { record: () => Promise.reject(failure) },
  );
  await talk(proxy.port, get(plain.port));
  await expect.poll(() => proxy.engine.events.problem, { timeout: 30_000 }).toBe(failure);
  await expect(proxy.engine.close()).rejects.toBe(failure);
});

test('a host that never finishes its handshake holds nothing once nobody waits for it', async () => {
  const held = new Set<Socket>();
  const silent = createServer((socket) => {
    held.add(socket);
    socket.on('error', () => undefined);
    socket.resume().once('close', () => held.delete(socket));
  });
  const port = await listen(silent);
  const proxy = await proxied({
    policy: {
      mode: 'allow-list',
      requests: [{ host: `ok.test:${port}`, methods: ['GET'] }],
      allow: ['127.0.0.1'],
    },
  });
  const secured = await tunnel(proxy, 'ok.test', port, 'http/1.1');
  secured.write(`GET / HTTP/1.1\r\nHost: ok.test:${port}\r\n\r\n`);
  await expect.poll(() => held.size, { timeout: 30_000 }).toBe(1);
  await proxy[Symbol.asyncDispose]();
  // Before the limit on a handshake would end it.
  await expect.poll(() => held.size, { timeout: 20_000 }).toBe(0);
});

test('a body of HTTP/2 that is longer than it says goes no further', async () => {
  const { port } = secure;
  await using proxy = await brokered();
  const secured = await tunnel(proxy, 'ok.test', port, 'h2');
  const client = connectHttp2(`https://ok.test:${port}`, { createConnection: () => secured });
  client.on('error', () => undefined);
  const before = secure.seen.length;
  const request = client.request({ ':path': '/a', ':method': 'POST', 'content-length': '4' });
  request.on('error', () => undefined);
  request.end('bodyGET /smuggled HTTP/1.1\r\nHost: ok.test\r\n\r\n');
  await new Promise((resolve) => void request.once('close', resolve));
  client.destroy();
  const next = await tunnel(proxy, 'ok.test', port, 'http/1.1');
  await ask(next, ['GET /after HTTP/1.1', `Host: ok.test:${port}`, 'Connection: close']);
  expect(secure.seen.slice(before).map(({ url }) => url)).not.toContain('/smuggled');
  expect(secure.seen.at(-1)?.url).toBe('/after');
});

test('an empty line before a request hides it from nobody', async () => {
  await using proxy = await proxied({
    policy: { mode: 'allow-list', allow: [`ok.test:${plain.port}`, '127.0.0.1'] },
  });
  const socket = connect(proxy.port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  socket.write(`CONNECT ok.test:${plain.port} HTTP/1.1\r\nHost: ok.test:${plain.port}\r\n\r\n`);
  await once(socket, 'data');
  const before = plain.seen.length;
  socket.write('\r\n\r\nGET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  expect(Buffer.concat(parts).toString()).toContain(' 421 ');
  expect(plain.seen).toHaveLength(before);
});

test('what is said in paths and headers counts as sent', async () => {
  await using proxy = await proxied({
    policy: { mode: 'allow-list', allow: [`ok.test:${plain.port}`, '127.0.0.1'] },
    budgets: { bytesOut: 10_000 },
  });
  const long = get(plain.port).replace('Connection', `X-Data: ${'x'.repeat(6_000)}\r\nConnection`);
  const before = plain.seen.length;
  expect(await talk(proxy.port, long)).toContain(' 200 ');
  expect(await talk(proxy.port, long)).toContain(' 429 ');
  expect(plain.seen).toHaveLength(before + 1);
});

test('where requests are limited, a header does not make another request of one', async () => {
  await using proxy = await proxied({
    policy: {
      mode: 'allow-list',
      requests: [{ host: `ok.test:${plain.port}`, methods: ['GET'], paths: ['/'] }],
      allow: ['127.0.0.1'],
    },
  });
  const more = [
    'X-HTTP-Method-Override: DELETE',
    'X-Original-URL: /admin',
    'X-Rewrite-URL: /admin',
  ];
  await talk(
    proxy.port,
    get(plain.port).replace('Connection', [...more, 'Connection'].join('\r\n')),
  );
  const names = plain.seen.at(-1)?.headers.filter((_, index) => index % 2 === 0);
  expect(names?.filter((name) => /override|url/i.test(name))).toEqual([]);
});

test('an event is given to a recorder once, also while it comes', async () => {
  const got: unknown[] = [];
  const events = new SandboxEvents(undefined);
  const event = (sequence: number) =>
    ({
      type: 'end',
      sequence,
      at: 0,
      sandbox: 's',
      id: 1,
      bytesIn: 0,
      bytesOut: 0,
      durationMs: 0,
    }) as const;
  await events.record([event(1), event(2)]);
  events.setRecorder(async (batch) => {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    got.push(...batch.flatMap((each) => ('sequence' in each ? [each.sequence] : [])));
  });
  await events.record([event(3)]);
  await events.record([event(4)]);
  expect(got).toEqual([1, 2, 3, 4]);
});

test('a host that changes the protocol unasked, or never says whether it will, keeps no request open', async () => {
  const unasked = createServer((socket) => {
    socket.on('error', () => undefined);
    const head =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
    socket.once('data', () => socket.write(head));
  });
  const mute = createServer((socket) => void socket.on('error', () => undefined).resume());
  const [first, second] = [await listen(unasked), await listen(mute)];
  const allow = [`ok.test:${first}`, `ok.test:${second}`, '127.0.0.1'];
  await using proxy = await proxied({ policy: { mode: 'allow-list', allow } });
  expect(await talk(proxy.port, get(first))).toContain(' 502 ');
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(
    get(second).replace('Connection: close', 'Connection: Upgrade\r\nUpgrade: websocket'),
  );
  await expect.poll(() => decisions(proxy), { timeout: 30_000 }).toHaveLength(2);
  socket.destroy();
  await expect
    .poll(() => proxy.events.at(-1), { timeout: 30_000 })
    .toMatchObject({ type: 'end', problem: 'aborted' });
});

test('requests that begin at the same time do not pass the budget together', async () => {
  const { port } = secure;
  const known = Promise.withResolvers<string[]>();
  let asked = 0;
  await using proxy = await proxied(
    {
      policy: { mode: 'allow-list', requests: [{ host: `ok.test:${port}` }], allow: ['127.0.0.1'] },
      budgets: { connections: 2 },
    },
    {
      authorities: [authority.certificate],
      lookup: () => {
        asked += 1;
        return known.promise;
      },
    },
  );
  const secured = await tunnel(proxy, 'ok.test', port, 'h2');
  const client = connectHttp2(`https://ok.test:${port}`, { createConnection: () => secured });
  client.on('error', () => undefined);
  const statuses = Array.from({ length: 6 }, async () => {
    const request = client.request({ ':path': '/' });
    const [head] = (await once(request, 'response')) as [Record<string, unknown>];
    request.resume();
    return head[':status'];
  });
  await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(0);
  await expect.poll(() => decisions(proxy), { timeout: 30_000 }).toHaveLength(4);
  known.resolve(['127.0.0.1']);
  const answered = (await Promise.all(statuses)).map(String).toSorted();
  expect(answered.join(' ')).toBe('200 200 429 429 429 429');
  client.destroy();
});

test('a request that is no harmless one is not sent twice', async () => {
  const seen: string[] = [];
  const port = await listen(
    createServer((socket) => {
      socket.on('error', () => undefined);
      let count = 0;
      socket.on('data', (chunk: Buffer) => {
        seen.push(chunk.toString().slice(0, 6));
        count += 1;
        // The first is answered, and the connection kept; at the second it breaks off.
        if (count === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.destroy();
      });
    }),
  );
  await using proxy = await proxied({
    policy: { mode: 'allow-list', allow: [`ok.test:${port}`, '127.0.0.1'] },
  });
  expect(await talk(proxy.port, get(port))).toContain(' 200 ');
  expect(await talk(proxy.port, get(port).replace('GET', 'POST'))).toContain(' 502 ');
  expect(seen).toEqual(['GET / ', 'POST /']);
  expect(await talk(proxy.port, get(port))).toContain(' 200 ');
  expect(await talk(proxy.port, get(port))).toContain(' 200 ');
});
