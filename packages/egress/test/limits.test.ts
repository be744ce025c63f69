import { once } from 'node:events';
import { request as httpRequest, Agent } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEgressEngine, type EgressEvent } from '../src/index.ts';
import {
  closeServers,
  decisions,
  httpUpstream,
  listen,
  type Proxied,
  proxied,
  talk,
  type Upstream,
} from './proxied.ts';

// What bounds a session: its budgets, the record, a policy that changes, its end.

let upstream: Upstream;
let echo: number;

beforeAll(async () => {
  upstream = await httpUpstream((request, response) => {
    if (request.url === '/late') return;
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
      return;
    }
    response.end(request.url === '/big' ? Buffer.alloc(300_000, 'x') : 'ok');
  });
  // Speaks first, as SSH and mail do, and then repeats what it hears.
  echo = await listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.write('hello\n');
      socket.pipe(socket);
    }),
  );
});

afterAll(closeServers);

const get = (path: string): string => {
  const host = `ok.test:${upstream.port}`;
  return `GET http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
};

const allow = (): string[] => [`ok.test:${upstream.port}`, `ok.test:${echo}`, '127.0.0.1'];
const policy = (): { mode: 'allow-list'; allow: string[] } => ({
  mode: 'allow-list',
  allow: allow(),
});

async function tunnel({ port }: Proxied): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(`CONNECT ok.test:${echo} HTTP/1.1\r\nHost: ok.test:${echo}\r\n\r\n`);
  let text = '';
  while (!text.endsWith('hello\n')) text += String((await once(socket, 'data'))[0]);
  return socket;
}

test('a host may speak first, and either side may end before the other', async () => {
  await using proxy = await proxied({ policy: policy() });
  const socket = await tunnel(proxy);
  const bytes = Buffer.alloc(3_000_000, 'y');
  socket.end(bytes);
  const parts = await socket.toArray();
  expect(Buffer.concat(parts as Buffer[]).equals(bytes)).toBe(true);
  await expect
    .poll(async () => decisions(proxy).then(() => proxy.events.at(-1)), { timeout: 30_000 })
    .toMatchObject({ type: 'end', bytesOut: bytes.length, bytesIn: bytes.length + 6 });
});

test('a new policy holds at once, for what is open too', async () => {
  await using proxy = await proxied({ policy: policy() });
  const socket = await tunnel(proxy);
  proxy.session.update({ mode: 'allow-list', allow: [`ok.test:${upstream.port}`, '127.0.0.1'] });
  await once(socket.resume(), 'end');
  expect(await talk(proxy.port, get('/'))).toContain('HTTP/1.1 200 ');
  await proxy.engine.events.flush();
  expect(proxy.events).toContainEqual(expect.objectContaining({ type: 'end', problem: 'policy' }));
  proxy.session.update({ mode: 'none' });
  expect(await talk(proxy.port, get('/'))).toContain('HTTP/1.1 403 ');
  expect((await decisions(proxy)).at(-1)).toBe('denied network-none');
  expect(() => proxy.session.update({ mode: 'allow-list', allow: ['a b'] })).toThrow(/a b/);
});

test('connections to the proxy and to hosts are used again, and each request is asked about', async () => {
  await using proxy = await proxied({ policy: policy() });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = async (host: string): Promise<number | undefined> => {
    const path = `http://${host}:${upstream.port}/`;
    const headers = { host: `${host}:${upstream.port}` };
    const asked = httpRequest({ agent, host: '127.0.0.1', port: proxy.port, path, headers });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [
      NodeJS.ReadableStream & { statusCode: number },
    ];
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  };
  expect([await ask('ok.test'), await ask('evil.test'), await ask('ok.test')]).toEqual([
    200, 403, 200,
  ]);
  agent.destroy();
});

test('an answer that breaks off does not look whole, and a client that goes takes its request along', async () => {
  await using proxy = await proxied({ policy: policy() });
  const answer = await talk(proxy.port, get('/half'));
  expect(answer).toMatch(/content-length: 100\r\n/i);
  expect(answer).toMatch(/half$/);
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(get('/late'));
  await expect.poll(() => upstream.seen.at(-1)?.url, { timeout: 30_000 }).toBe('/late');
  socket.destroy();
  await expect
    .poll(async () => decisions(proxy).then(() => proxy.events.at(-1)), { timeout: 30_000 })
    .toMatchObject({ type: 'end', problem: 'aborted' });
});

test('budgets: bytes, requests of a minute, connections', async () => {
  await using bytes = await proxied({ policy: policy(), budgets: { bytesIn: 100_000 } });
  expect((await talk(bytes.port, get('/big'))).length).toBeLessThan(300_000);
  await bytes.engine.events.flush();
  expect(bytes.events.at(-1)).toMatchObject({ type: 'end', problem: 'budget' });
  expect(await talk(bytes.port, get('/'))).toContain('HTTP/1.1 429 ');
  await using rate = await proxied({ policy: policy(), budgets: { requestsPerMinute: 2 } });
  const statuses: string[] = [];
  for (let count = 0; count < 3; count += 1)
    statuses.push((await talk(rate.port, get('/'))).slice(9, 12));
  expect(statuses).toEqual(['200', '200', '429']);
  await using few = await proxied({ policy: policy(), budgets: { connections: 1 } });
  const first = await tunnel(few);
  expect(await talk(few.port, get('/'))).toBe('');
  first.destroy();
  await expect.poll(async () => talk(few.port, get('/')), { timeout: 30_000 }).toContain(' 200 ');
});

test('without a record nothing is let out, and nothing that was decided is lost', async () => {
  let broken = true;
  const kept: EgressEvent[] = [];
  await using proxy = await proxied(
    { policy: policy() },
    {
      maxPending: 4,
      record: (events) => {
        if (broken) throw new Error('the disk is full');
        kept.push(...events);
      },
    },
  );
  expect(await talk(proxy.port, get('/'))).toContain(' 200 ');
  expect(await talk(proxy.port, get('/'))).toContain(' 200 ');
  const before = upstream.seen.length;
  expect(await talk(proxy.port, get('/'))).toMatch(/ 503 .*record-full/s);
  expect(upstream.seen).toHaveLength(before);
  expect(proxy.engine.events).toMatchObject({ pending: 4, unrecorded: 1 });
  await expect
    .poll(() => proxy.engine.events.problem?.message, { timeout: 30_000 })
    .toBe('the disk is full');
  broken = false;
  await proxy.engine.events.flush();
  expect(kept.map(({ sequence, type }) => `${sequence} ${type}`)).toEqual([
    '1 decision',
    '2 end',
    '3 decision',
    '4 end',
  ]);
  expect(await talk(proxy.port, get('/'))).toContain(' 200 ');
});

test('the end of a session ends what is open, and its door; the engine says when the record is lost', async () => {
  const proxy = await proxied({ policy: policy() });
  const socket = await tunnel(proxy);
  const closed = once(socket.resume(), 'end');
  await proxy.session.close();
  await closed;
  expect(await talk(proxy.port, get('/'))).toBe('');
  await proxy[Symbol.asyncDispose]();
  expect(proxy.events.at(-1)).toMatchObject({ type: 'end', problem: 'closed' });
  await expect(proxy.engine.session({ sandbox: 'late', policy: policy() })).rejects.toMatchObject({
    code: 'failed-precondition',
  });
  const lossy = await proxied(
    { policy: policy() },
    { record: async () => Promise.reject(new Error('no record')) },
  );
  await talk(lossy.port, get('/'));
  await expect(lossy.engine.close()).rejects.toThrow('no record');
});

test('many connections at the same time', async () => {
  await using proxy = await proxied({ policy: policy() });
  const sockets = await Promise.all(Array.from({ length: 500 }, async () => tunnel(proxy)));
  const answers = await Promise.all(
    sockets.map(async (socket, index) => {
      socket.end(`${index}`);
      return Buffer.concat((await socket.toArray()) as Buffer[]).toString();
    }),
  );
  expect(answers).toEqual(sockets.map((_, index) => `${index}`));
});

test.each([
  [{ KEY: { from: 'x', hosts: [] } }, 'invalid-argument', /no host/],
  [{ KEY: { from: 'x', hosts: ['*'] } }, 'invalid-argument', /\*/],
  [{ KEY: { from: 'x', hosts: ['a.test'], header: 'Host' } }, 'invalid-argument', /Host/],
  [{ KEY: { from: 'x', hosts: ['a.test'], header: 'a', query: 'b' } }, 'invalid-argument', /both/],
  [
    { KEY: { from: 'x', hosts: ['a.test'], header: 'a', format: 'x' } },
    'invalid-argument',
    /format/,
  ],
  [{ 'a b': { from: 'x', hosts: ['a.test'] } }, 'invalid-argument', /variable/],
  [{ KEY: { from: 'short', hosts: ['a.test'] } }, 'failed-precondition', /8 at least/],
  [{ KEY: { from: 'lines', hosts: ['a.test'] } }, 'failed-precondition', /visible/],
  [{ KEY: { from: 'none', hosts: ['a.test'] } }, 'failed-precondition', /not known/],
])('a rule for secrets that cannot be kept is refused: %j', async (secrets, code, said) => {
  const values: Record<string, string> = {
    short: 'abc',
    lines: 'abcdefgh\r\nx: y',
    x: 'abcdefgh1234',
  };
  await using engine = createEgressEngine({
    record: () => undefined,
    secrets: (reference) => values[reference],
  });
  const refused = engine.session({ sandbox: 'a', policy: { mode: 'none' }, secrets });
  const error: unknown = await refused.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code, message: expect.stringMatching(said) as unknown });
  expect(String(error)).not.toContain('abcdefgh');
});

test('a host that answers badly, or goes first, harms nobody', async () => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 99999 \r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\u0000b\r\n\r\n',
    'nonsense',
    '',
  ];
  const port = await listen(
    createServer((socket) => {
      socket.once('data', () => socket.end(answers.shift() ?? ''));
    }),
  );
  const brief = await listen(createServer((socket) => socket.end('bye')));
  await using proxy = await proxied({
    policy: { mode: 'allow-list', allow: [`ok.test:${port}`, `ok.test:${brief}`, '127.0.0.1'] },
  });
  const host = `ok.test:${port}`;
  while (answers.length > 0) {
    const head = `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    expect(await talk(proxy.port, head)).toContain('HTTP/1.1 502 ');
  }
  const there = `ok.test:${brief}`;
  const said = await talk(proxy.port, `CONNECT ${there} HTTP/1.1\r\nHost: ${there}\r\n\r\n`);
  expect(said).toMatch(/\r\n\r\nbye$/);
  expect((await decisions(proxy)).length).toBe(7);
});

test('one sandbox cannot fill the record for the others', async () => {
  const gate = Promise.withResolvers<undefined>();
  await using noisy = await proxied(
    { policy: policy() },
    { maxPending: 40, record: async () => gate.promise },
  );
  const other = await noisy.engine.session({ sandbox: 'sandbox-2', policy: policy() });
  const door = await listen(createServer((socket) => other.accept(socket)));
  const statuses: string[] = [];
  for (let count = 0; count < 8; count += 1)
    statuses.push((await talk(noisy.port, get('/'))).slice(9, 12));
  expect(statuses.slice(0, 5)).toEqual(['200', '200', '200', '200', '200']);
  expect(statuses.slice(5)).toEqual(['503', '503', '503']);
  expect(await talk(door, get('/'))).toContain(' 200 ');
  gate.resolve(undefined);
});

test('a WebSocket without TLS goes both ways, by the proxy or by a tunnel', async () => {
  const sockets = await httpUpstream();
  sockets.onUpgrade((_request, socket) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    );
    socket.pipe(socket);
  });
  const host = `ok.test:${sockets.port}`;
  await using proxy = await proxied({ policy: { mode: 'allow-list', allow: [host, '127.0.0.1'] } });
  const upgrade = `Host: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  const openings = [
    `GET http://${host}/ws HTTP/1.1\r\n${upgrade}`,
    `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\nGET /ws HTTP/1.1\r\n${upgrade}`,
  ];
  for (const opening of openings) {
    const socket = connect(proxy.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => {
      heard += String(chunk);
    });
    // The first frame does not wait for the answer.
    socket.write(`${opening}frame`);
    await expect.poll(() => heard, { timeout: 30_000 }).toMatch(/ 101 .*\r\n\r\nframe$/s);
    socket.destroy();
  }
  await expect
    .poll(async () => decisions(proxy).then(() => proxy.events.at(-1)), { timeout: 30_000 })
    .toMatchObject({ type: 'end', status: 101, bytesOut: 5, bytesIn: 5 });
});
