import { connect as tlsConnect } from 'node:tls';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionAuthority } from '../src/tls/session-authority.ts';
import {
  closeServers,
  decisions,
  httpsUpstream,
  httpUpstream,
  type Proxied,
  proxied,
  publicAuthority,
  talk,
  type Upstream,
} from './proxied.ts';

// What code in a sandbox tries in order to reach what it may not. The upstreams are real, and would answer.

let upstream: Upstream;
let forbidden: Upstream;
let secure: Upstream;
let authority: SessionAuthority;
let open: Proxied;

beforeAll(async () => {
  authority = await publicAuthority();
  [upstream, forbidden, secure] = await Promise.all([
    httpUpstream(),
    httpUpstream(),
    httpsUpstream(authority),
  ]);
  open = await proxied(
    {
      policy: {
        mode: 'allow-list',
        allow: [
          `ok.test:${upstream.port}`,
          `*.wild.test:${upstream.port}`,
          `ok.test:${secure.port}`,
          `127.0.0.1:${upstream.port}`,
          `127.0.0.1:${secure.port}`,
        ],
        requests: [
          { host: `api.test:${upstream.port}`, methods: ['GET', 'POST'], paths: ['/v1/**', '/@*'] },
        ],
      },
      secrets: {
        OTHER_KEY: { from: 'key', hosts: ['other.test'], header: 'authorization' },
      },
    },
    {
      secrets: () => 'sk-real-0123456789abcdef',
      lookup: async (name) =>
        Promise.resolve([name.startsWith('rebound') ? '169.254.169.254' : '127.0.0.1']),
    },
  );
});

afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await closeServers();
});

const get = (url: string, host: string, ...more: readonly string[]): string =>
  [`GET ${url} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...more, '', ''].join('\r\n');

/** Each attack: what is sent, and the status and rule of the refusal. `P` is the port of the allowed host, `F` of a forbidden one. */
const refused: readonly (readonly [string, string, string, string])[] = [
  ['a host that is not listed', get('http://evil.test:P/', 'evil.test:P'), '403', 'not-listed'],
  ['another port of a listed host', get('http://ok.test:F/', 'ok.test:F'), '403', 'not-listed'],
  ['the parent of a wildcard', get('http://wild.test:P/', 'wild.test:P'), '403', 'not-listed'],
  [
    'a name that ends like a listed one',
    get('http://evilok.test:P/', 'evilok.test:P'),
    '403',
    'not-listed',
  ],
  [
    'a name that begins like a listed one',
    get('http://ok.test.evil.test:P/', 'ok.test.evil.test:P'),
    '403',
    'not-listed',
  ],
  [
    'the metadata address',
    get('http://169.254.169.254/latest/', '169.254.169.254'),
    '403',
    'not-listed',
  ],
  ['the loopback as one number', get('http://2130706433:F/', '2130706433:F'), '400', 'malformed'],
  ['the loopback in hexadecimal', get('http://0x7f000001:F/', '0x7f000001:F'), '400', 'malformed'],
  ['the loopback in octal', get('http://0177.0.0.1:F/', '0177.0.0.1:F'), '400', 'malformed'],
  ['the loopback with parts left out', get('http://127.1:F/', '127.1:F'), '400', 'malformed'],
  [
    'the loopback as mapped IPv6',
    get('http://[::ffff:127.0.0.1]:F/', '[::ffff:127.0.0.1]:F'),
    '403',
    'not-listed',
  ],
  [
    'the loopback as mapped IPv6 in hexadecimal',
    get('http://[::ffff:7f00:1]:F/', '[::ffff:7f00:1]:F'),
    '403',
    'not-listed',
  ],
  ['IPv6 with a zone', get('http://[fe80::1%25eth0]:F/', '[fe80::1%25eth0]:F'), '400', 'malformed'],
  ['full-width digits', get('http://１27.0.0.1:F/', 'ok.test:P'), '400', 'malformed'],
  ['a user in the URL', get('http://ok.test:P@evil.test/', 'ok.test:P'), '400', 'malformed'],
  [
    'a backslash for a slash',
    get(String.raw`http://ok.test:P\@evil.test/`, 'ok.test:P'),
    '400',
    'malformed',
  ],
  ['a Host that is not the URL’s', get('http://ok.test:P/', 'evil.test:P'), '421', 'host-mismatch'],
  ['two Hosts', get('http://ok.test:P/', 'ok.test:P', 'Host: evil.test'), '400', 'malformed'],
  ['no Host', 'GET http://ok.test:P/ HTTP/1.0\r\n\r\n', '400', 'malformed'],
  ['a Host with a space', get('http://ok.test:P/', 'ok.test:P evil.test'), '400', 'malformed'],
  ['a request that is meant for a server', get('/', 'ok.test:P'), '400', 'malformed'],
  ['another scheme', get('ftp://ok.test:P/', 'ok.test:P'), '400', 'malformed'],
  ['https through a plain request', get('https://ok.test:P/', 'ok.test:P'), '400', 'malformed'],
  ['TRACE', get('http://ok.test:P/', 'ok.test:P').replace('GET', 'TRACE'), '405', 'method-TRACE'],
  [
    'a name that resolves to the metadata address',
    get('http://rebound.wild.test:P/', 'rebound.wild.test:P'),
    '403',
    'address-denied',
  ],
  [
    'a method that is not listed',
    get('http://api.test:P/v1/a', 'api.test:P').replace('GET', 'DELETE'),
    '403',
    'request-not-listed',
  ],
  [
    'a path that is not listed',
    get('http://api.test:P/v2/a', 'api.test:P'),
    '403',
    'request-not-listed',
  ],
  ['dots in a path', get('http://api.test:P/v1/../admin', 'api.test:P'), '400', 'ambiguous-path'],
  [
    'encoded dots in a path',
    get('http://api.test:P/v1/%2e%2E/admin', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'dots encoded twice',
    get('http://api.test:P/v1/%252e%252e/admin', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'dots with a parameter',
    get('http://api.test:P/v1/..;x=1/admin', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'dots behind an encoded slash',
    get('http://api.test:P/v1/..%2fadmin', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'an encoded backslash',
    get('http://api.test:P/v1/..%5cadmin', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  ['an encoded NUL', get('http://api.test:P/v1/a%00b', 'api.test:P'), '400', 'ambiguous-path'],
  [
    'an encoding that is none',
    get('http://api.test:P/v1/%zz', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'bytes that are no UTF-8',
    get('http://api.test:P/v1/%c0%ae', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'a slash that only a server sees',
    get('http://api.test:P/@a%2f..', 'api.test:P'),
    '400',
    'ambiguous-path',
  ],
  [
    'a segment that only a server sees',
    get('http://api.test:P/@a%2fb', 'api.test:P'),
    '403',
    'request-not-listed',
  ],
  [
    'two lengths',
    get('http://ok.test:P/', 'ok.test:P', 'Content-Length: 1', 'Content-Length: 2') + 'xx',
    '400',
    'malformed',
  ],
  [
    'a length and chunks',
    get('http://ok.test:P/', 'ok.test:P', 'Content-Length: 4', 'Transfer-Encoding: chunked') +
      '0\r\n\r\n',
    '400',
    'malformed',
  ],
  [
    'chunks by another name',
    get('http://ok.test:P/', 'ok.test:P', 'Transfer-Encoding: xchunked'),
    '400',
    'malformed',
  ],
  [
    'a length with a sign',
    get('http://ok.test:P/', 'ok.test:P', 'Content-Length: +1') + 'x',
    '400',
    'malformed',
  ],
  [
    'a header that is folded',
    get('http://ok.test:P/', 'ok.test:P', 'X-A: 1', ' Host: evil.test'),
    '400',
    'malformed',
  ],
  [
    'a line feed in a header',
    get('http://ok.test:P/', 'ok.test:P', 'X-A: 1\nHost: evil.test'),
    '400',
    'malformed',
  ],
  [
    'a space before a colon',
    get('http://ok.test:P/', 'ok.test:P', 'Content-Length : 1') + 'x',
    '400',
    'malformed',
  ],
  [
    'an upgrade to HTTP/2',
    get('http://ok.test:P/', 'ok.test:P', 'Upgrade: h2c', 'Connection: Upgrade'),
    '501',
    'upgrade',
  ],
  [
    'a WebSocket to a host that is not listed',
    get('http://evil.test:P/', 'evil.test:P', 'Upgrade: websocket', 'Connection: Upgrade'),
    '403',
    'not-listed',
  ],
  [
    'a tunnel to a host that is not listed',
    'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n',
    '403',
    'not-listed',
  ],
  [
    'a tunnel to another port',
    'CONNECT ok.test:22 HTTP/1.1\r\nHost: ok.test:22\r\n\r\n',
    '403',
    'not-listed',
  ],
  [
    'a tunnel to mail',
    'CONNECT ok.test:25 HTTP/1.1\r\nHost: ok.test:25\r\n\r\n',
    '403',
    'not-listed',
  ],
  [
    'a tunnel whose Host is another',
    'CONNECT ok.test:P HTTP/1.1\r\nHost: evil.test:P\r\n\r\n',
    '421',
    'host-mismatch',
  ],
  [
    'a tunnel without a port',
    'CONNECT ok.test HTTP/1.1\r\nHost: ok.test\r\n\r\n',
    '400',
    'malformed',
  ],
  [
    'a tunnel to a number',
    'CONNECT 2130706433:F HTTP/1.1\r\nHost: 2130706433:F\r\n\r\n',
    '400',
    'malformed',
  ],
];

test.each(refused)('%s is refused', async (_, attack, status, rule) => {
  const before = [upstream, forbidden].map(({ seen }) => seen.length);
  const bytes = attack
    .replaceAll(/:P\b/g, `:${upstream.port}`)
    .replaceAll(/:F\b/g, `:${forbidden.port}`);
  const answer = await talk(open.port, bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer.toLowerCase()).toContain(`x-gantry-egress: ${rule.toLowerCase()}\r\n`);
  expect((await decisions(open)).at(-1)).toBe(`denied ${rule}`);
  expect([upstream, forbidden].map(({ seen }) => seen.length)).toEqual(before);
});

test('a length that is called a header of the connection still ends the body', async () => {
  const before = upstream.seen.length;
  const host = `ok.test:${upstream.port}`;
  const hidden = get('/hidden', host);
  const body = [`Content-Length: ${hidden.length}`, 'Connection: content-length, host, close'];
  const answer = await talk(open.port, `${get(`http://${host}/first`, host, ...body)}${hidden}`);
  expect(answer).toContain('HTTP/1.1 200 ');
  expect(upstream.seen.slice(before)).toMatchObject([{ url: '/first', body: hidden }]);
  expect(upstream.seen.at(-1)?.headers).toContain(host);
});

describe('within a tunnel', () => {
  const connectTo = (host: string): string => `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

  test('a request to another host is refused, and one in another tunnel', async () => {
    const before = upstream.seen.length;
    const there = `ok.test:${upstream.port}`;
    const fronted = await talk(open.port, connectTo(there), get('/', 'evil.test'));
    expect(fronted).toContain('HTTP/1.1 421 ');
    const absolute = await talk(open.port, connectTo(there), get('http://evil.test/', 'evil.test'));
    expect(absolute).toContain('HTTP/1.1 421 ');
    const nested = await talk(open.port, connectTo(there), 'GET', ' / HTTP/1.1\r\n\r\n');
    expect(nested).toContain('HTTP/1.1 400 ');
    const inner = await talk(open.port, connectTo(there), connectTo('evil.test:443'));
    expect(inner).toContain('HTTP/1.1 400 ');
    expect(upstream.seen).toHaveLength(before);
  });

  test('what is not HTTP does not reach a host that takes some requests only', async () => {
    const before = upstream.seen.length;
    const answer = await talk(open.port, connectTo(`api.test:${upstream.port}`), 'SSH-2.0-x\r\n');
    expect(answer).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
    expect((await decisions(open)).at(-1)).toBe('denied protocol');
    const smuggled = await talk(
      open.port,
      connectTo(`api.test:${upstream.port}`),
      get('/v2/secret', `api.test:${upstream.port}`),
    );
    expect(smuggled).toContain('HTTP/1.1 403 ');
    expect(upstream.seen).toHaveLength(before);
  });

  test.each([
    ['another server name', 'evil.test'],
    ['no server name', undefined],
    ['the name of a host with a secret', 'other.test'],
  ])('TLS with %s is ended', async (_, servername) => {
    const before = secure.seen.length;
    const socket = connect(open.port, '127.0.0.1');
    socket.write(connectTo(`ok.test:${secure.port}`));
    await once(socket, 'data');
    const options = { socket, ca: authority.certificate, rejectUnauthorized: false };
    const secured = tlsConnect({ ...options, ...(servername === undefined ? {} : { servername }) });
    const [error] = (await once(secured, 'error')) as [Error];
    expect(error.message).toMatch(/unrecognized.name|disconnected|ECONNRESET/i);
    await open.engine.events.flush();
    expect(open.events.at(-1)).toMatchObject({ type: 'end', problem: 'sni-mismatch' });
    expect(secure.seen).toHaveLength(before);
  });

  test('TLS with the right name goes through, untouched', async () => {
    const socket = connect(open.port, '127.0.0.1');
    socket.write(connectTo(`ok.test:${secure.port}`));
    await once(socket, 'data');
    const secured = tlsConnect({ socket, ca: authority.certificate, servername: 'ok.test' });
    await once(secured, 'secureConnect');
    // Certified by the host's own authority: nobody has come between.
    expect(secured.authorized).toBe(true);
    secured.destroy();
  });
});

describe('SOCKS', () => {
  const greeting = Buffer.from([5, 1, 0]);
  const byName = (name: string, port: number): Buffer =>
    Buffer.concat([
      Buffer.from([5, 1, 0, 3, name.length]),
      Buffer.from(name),
      Buffer.from([port >> 8, port & 255]),
    ]);
  const reply = (text: string): number | undefined => Buffer.from(text, 'latin1')[3];

  test.each<readonly [string, () => Buffer, number]>([
    ['a host that is not listed', () => byName('evil.test', upstream.port), 2],
    ['another port', () => byName('ok.test', forbidden.port), 2],
    ['an address in an odd form', () => byName('0x7f.1', upstream.port), 1],
    ['the metadata address', () => Buffer.from([5, 1, 0, 1, 169, 254, 169, 254, 0, 80]), 2],
    [
      'a mapped address',
      () =>
        Buffer.from([
          5,
          1,
          0,
          4,
          ...Array.from({ length: 10 }, () => 0),
          255,
          255,
          127,
          0,
          0,
          1,
          0,
          80,
        ]),
      2,
    ],
    ['to listen', () => Buffer.from([5, 2, 0, 1, 127, 0, 0, 1, 0, 80]), 7],
    ['datagrams', () => Buffer.from([5, 3, 0, 1, 127, 0, 0, 1, 0, 80]), 7],
  ])('%s is refused', async (_, request, code) => {
    const answer = await talk(open.port, greeting, request());
    expect(reply(answer)).toBe(code);
    expect((await decisions(open)).at(-1)).toMatch(/^denied /);
  });

  test('a client that wants a password, and SOCKS4, get nothing', async () => {
    expect(await talk(open.port, Buffer.from([5, 1, 2]))).toBe('\x05\xff');
    expect(await talk(open.port, Buffer.from([4, 1, 0, 80, 127, 0, 0, 1, 0]))).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });
});
