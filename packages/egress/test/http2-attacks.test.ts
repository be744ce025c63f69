import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  endHeaders,
  endStream,
  fields,
  type Frame,
  frame,
  frameReader,
  kinds,
  preface,
  reset,
} from './http2-frames.ts';
import {
  closeServers,
  decisions,
  httpsUpstream,
  type Proxied,
  proxied,
  publicAuthority,
  tunnelTo,
  type Upstream,
} from './proxied.ts';

// What code in a sandbox may write into HTTP/2 that no library would. The hosts are real: one takes HTTP/2, one only HTTP/1.1, where
// each request is written anew and could become two.

type Fields = readonly (readonly [string, string])[];

let both: Upstream;
let old: Upstream;
let proxy: Proxied;

beforeAll(async () => {
  const authority = await publicAuthority();
  [both, old] = await Promise.all([
    httpsUpstream(authority),
    httpsUpstream(authority, undefined, 'http/1.1'),
  ]);
  const hosts = [both, old].map(({ port }) => `api.test:${port}`);
  proxy = await proxied(
    {
      policy: {
        mode: 'allow-list',
        allow: ['127.0.0.1'],
        requests: hosts.map((host) => ({ host, methods: ['GET', 'POST'], paths: ['/v1/**'] })),
      },
      secrets: { KEY: { from: 'key', hosts, header: 'x-key' } },
    },
    { authorities: [authority.certificate], secrets: () => 'sk-real-0123456789abcdef' },
  );
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await closeServers();
});

const request = (port: number, path = '/v1/a', method = 'POST'): Fields => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', `api.test:${port}`],
  [':path', path],
];
const other = (list: Fields, name: string, value: string): Fields =>
  list.map(([each, before]) => [each, each === name ? value : before] as const);
const headers = (list: Fields, last = true, stream = 1): Buffer =>
  frame('headers', endHeaders | (last ? endStream : 0), stream, fields(list));

const many = (count: number, part: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => part(index)));

/** Opens a connection of HTTP/2 with the proxy, which `heard` then gets every frame of. */
async function open(port: number, heard: (frame: Frame) => void): Promise<TLSSocket> {
  const socket = await tunnelTo(proxy, `api.test:${port}`, ['h2']);
  socket.on('error', () => undefined);
  socket.on('data', frameReader(heard));
  socket.write(preface);
  socket.write(frame('settings', 0, 0));
  return socket;
}

/** What the proxy says to stream 1 after these frames. */
async function outcome(port: number, ...parts: readonly Buffer[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = await open(port, ({ kind, stream }) => {
    if (kind === kinds.goaway) resolve('goaway');
    if (stream !== 1) return;
    if (kind === kinds.reset) resolve('reset');
    if (kind === kinds.headers) resolve('answer');
  });
  socket.once('close', () => resolve('closed'));
  for (const part of parts) socket.write(part);
  const result = await promise;
  socket.destroy();
  return result;
}

const post = (more: Fields): ((port: number) => readonly Buffer[]) => {
  return (port) => [headers([...request(port), ...more])];
};
const sent = (body: string, length: string): ((port: number) => readonly Buffer[]) => {
  return (port) => [
    headers([...request(port), ['content-length', length]], false),
    frame('data', endStream, 1, Buffer.from(body)),
  ];
};

/** Each attack, and the rule by which the proxy refuses it, or `reset` where its parser does. */
const refused: readonly (readonly [string, (port: number) => readonly Buffer[], string])[] = [
  [
    'another authority',
    (port) => [headers(other(request(port), ':authority', 'evil.test'))],
    'host-mismatch',
  ],
  ['a Host that is not the authority', post([['host', 'evil.test']]), 'host-mismatch'],
  [
    'a user in the authority',
    (port) => [headers(other(request(port), ':authority', `evil@api.test:${port}`))],
    'reset',
  ],
  ['no authority', (port) => [headers(request(port).toSpliced(2, 1))], 'reset'],
  ['two authorities', post([[':authority', 'evil.test']]), 'reset'],
  ['another scheme', (port) => [headers(other(request(port), ':scheme', 'http'))], 'malformed'],
  [
    'a URL for a path, in a scheme of no rules',
    (port) => [headers(other(request(port, 'https://evil.test/v1/a'), ':scheme', 'x'))],
    'malformed',
  ],
  ['a URL for a path', (port) => [headers(request(port, 'https://evil.test/v1/a'))], 'reset'],
  [
    'a path with a second request',
    (port) => [headers(request(port, '/v1/a HTTP/1.1\r\nX: '))],
    'reset',
  ],
  ['a path with a space', (port) => [headers(request(port, '/v1/a b'))], 'reset'],
  ['no path', (port) => [headers(request(port, ''))], 'reset'],
  ['dots in a path', (port) => [headers(request(port, '/v1/../x'))], 'ambiguous-path'],
  ['a path that is not listed', (port) => [headers(request(port, '/v2'))], 'request-not-listed'],
  [
    'a method that is not listed',
    (port) => [headers(request(port, '/v1/a', 'DELETE'))],
    'request-not-listed',
  ],
  [
    'a method with a second request',
    (port) => [headers(request(port, '/v1/a', 'GET / HTTP/1.1\r\n'))],
    'reset',
  ],
  [
    'a tunnel',
    (port) => [
      headers(
        [
          [':method', 'CONNECT'],
          [':authority', `api.test:${port}`],
        ],
        false,
      ),
    ],
    'method-CONNECT',
  ],
  [
    'a WebSocket by CONNECT',
    (port) => [headers([...request(port, '/v1/a', 'CONNECT'), [':protocol', 'websocket']], false)],
    'reset',
  ],
  ['a body in chunks', post([['transfer-encoding', 'chunked']]), 'reset'],
  ['a header of the connection', post([['connection', 'x-key']]), 'reset'],
  ['an upgrade', post([['upgrade', 'websocket']]), 'reset'],
  ['a name in capitals', post([['X-Key', 'mine']]), 'reset'],
  [
    'a length that is said twice',
    post([
      ['content-length', '0'],
      ['content-length', '5'],
    ]),
    'reset',
  ],
  ['a length with a sign', post([['content-length', '+0']]), 'reset'],
  ['a list of lengths', post([['content-length', '0, 0']]), 'reset'],
  ['a length that the body has not', post([['content-length', '4']]), 'reset'],
  [
    'a pseudo header after others',
    post([
      ['x', 'y'],
      [':path', '/v2'],
    ]),
    'reset',
  ],
  ['a pseudo header of answers', post([[':status', '200']]), 'reset'],
];

test.each(refused)('%s is refused, whatever its host speaks', async (_, attack, expected) => {
  for (const { port, seen } of [both, old]) {
    const before = seen.length;
    const result = await outcome(port, ...attack(port));
    const rule = (await decisions(proxy)).at(-1)?.replace('denied ', '');
    expect(result === 'answer' ? rule : result).toBe(expected);
    expect(seen.slice(before)).toEqual([]);
  }
});

test.each<readonly [string, Fields]>([
  ['a name with a line end', [['x\r\nx', 'y']]],
  ['a name with a colon', [['x:y', 'z']]],
  ['a value with a line end', [['x', 'y\r\n\r\nGET /v2 HTTP/1.1\r\n\r\n']]],
  ['a value with a line feed', [['x', 'y\nx-key: mine']]],
  ['a value with NUL', [['x', 'y\0']]],
])('%s does not arrive, whatever the host speaks', async (_, more) => {
  for (const { port, seen } of [both, old]) {
    const before = seen.length;
    expect(await outcome(port, ...post(more)(port))).toBe('answer');
    const arrived = seen.slice(before);
    expect(arrived).toMatchObject([{ method: 'POST', url: '/v1/a', body: '' }]);
    const names = arrived[0]?.headers.filter(
      (name, index) => index % 2 === 0 && !name.startsWith(':'),
    );
    expect(names?.map((name) => name.toLowerCase()).toSorted()).toEqual(
      ['accept-encoding', 'x-key', ...(port === old.port ? ['host'] : [])].toSorted(),
    );
  }
});

test('a body that has not the length that was said does not arrive as a whole one', async () => {
  for (const { port, seen } of [both, old]) {
    const before = seen.length;
    expect(await outcome(port, ...sent('POST /v2 HTTP/1.1\r\n\r\n', '4')(port))).not.toBe('answer');
    expect(await outcome(port, ...sent('four', '40')(port))).not.toBe('answer');
    expect(await outcome(port, ...sent('four', '4')(port))).toBe('answer');
    expect(seen.slice(before)).toMatchObject([{ body: 'four' }]);
  }
});

test('half a request that is taken back does not arrive as a whole one, and each ends in the record', async () => {
  for (const { port, seen } of [both, old]) {
    const before = seen.length;
    const socket = await open(port, () => undefined);
    for (const [index, code] of [0, 8].entries()) {
      const stream = 1 + 2 * index;
      const decided = proxy.events.length;
      socket.write(headers(request(port), false, stream));
      socket.write(frame('data', 0, stream, Buffer.from('half')));
      // Some of it is on its way to the host by then.
      await expect
        .poll(() => proxy.events.slice(decided).map(({ type }) => type), { timeout: 30_000 })
        .toEqual(['decision']);
      socket.write(reset(stream, code));
      await expect
        .poll(() => proxy.events.at(-1), { timeout: 30_000 })
        .toMatchObject({ type: 'end', problem: 'aborted' });
    }
    // At once, before anything is decided.
    socket.write(
      many(50, (index) =>
        Buffer.concat([
          headers(request(port), index % 2 === 0, 2 * index + 101),
          reset(2 * index + 101, 8),
        ]),
      ),
    );
    const idsOf = (type: string): ReadonlySet<number> =>
      new Set(
        proxy.events.flatMap((event) =>
          event.type === type && !('allowed' in event && !event.allowed) ? [event.id] : [],
        ),
      );
    expect(await outcome(port, headers(request(port)))).toBe('answer');
    await expect
      .poll(async () => decisions(proxy).then(() => idsOf('end')), { timeout: 30_000 })
      .toEqual(idsOf('decision'));
    // Whatever else came to the host was whole when it was sent.
    expect(seen.slice(before).map(({ body }) => body)).not.toContain('half');
    expect(seen.length - before).toBeLessThanOrEqual(26);
    socket.destroy();
  }
});

/** Waits until the proxy ends a connection that is written to in this way. */
async function ended(write: (socket: TLSSocket) => void): Promise<void> {
  const socket = await open(both.port, () => undefined);
  const closed = once(socket, 'close');
  write(socket);
  await closed;
}

test.each<readonly [string, (socket: TLSSocket) => void]>([
  [
    'requests that are reset at once',
    (socket) => {
      socket.write(
        many(3000, (index) =>
          Buffer.concat([
            headers(request(both.port, '/v2'), true, 2 * index + 1),
            reset(2 * index + 1, 8),
          ]),
        ),
      );
    },
  ],
  [
    'empty frames of data',
    (socket) => {
      socket.write(headers(request(both.port), false));
      socket.write(many(20_000, () => frame('data', 0, 1)));
    },
  ],
  [
    'headers without an end',
    (socket) => {
      socket.write(frame('headers', 0, 1, fields(request(both.port))));
      socket.write(many(200, () => frame('continuation', 0, 1, fields([['x', 'y'.repeat(8000)]]))));
    },
  ],
  [
    'frames that are larger than agreed',
    (socket) => void socket.write(frame('data', 0, 1, Buffer.alloc(20_000))),
  ],
  ['what is no HTTP/2', (socket) => void socket.write(Buffer.alloc(64, 'GET / HTTP/1.1\r\n'))],
])('a flood of %s ends the connection, and no other', async (_, write) => {
  await ended(write);
  expect(await outcome(both.port, headers(request(both.port, '/v2')))).toBe('answer');
  expect((await decisions(proxy)).at(-1)).toBe('denied request-not-listed');
});

test('more headers, and more streams, than are taken are refused one by one', async () => {
  const before = both.seen.length;
  const large = Array.from({ length: 12 }, (_, index) => [`x-${index}`, 'y'.repeat(8000)] as const);
  const [first, ...rest] = [request(both.port), ...large.map((each) => [each])].map(fields);
  const parts = [
    frame('headers', endStream, 1, first),
    ...rest.slice(0, -1).map((part) => frame('continuation', 0, 1, part)),
    frame('continuation', endHeaders, 1, rest.at(-1)),
  ];
  expect(await outcome(both.port, ...parts)).not.toBe('answer');
  const refusals: number[] = [];
  const socket = await open(both.port, ({ kind, stream }) => {
    if (kind === kinds.reset) refusals.push(stream);
  });
  // None of these ends, so that all are open.
  socket.write(many(140, (index) => headers(request(both.port), false, 2 * index + 1)));
  await expect.poll(() => refusals.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(12);
  expect(Math.min(...refusals)).toBe(2 * 128 + 1);
  socket.destroy();
  expect(both.seen).toHaveLength(before);
});
