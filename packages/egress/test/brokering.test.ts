import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SessionAuthority } from '../src/tls/session-authority.ts';
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

// The sandbox has a placeholder, the host gets the secret, and the secret never comes back.

const run = promisify(execFile);
let real = 'sk-live-Zk3vT9qLw2Xy8RbN4mCd7HfJ';
const basic = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';

let authority: SessionAuthority;
let upstream: Upstream;
let elsewhere: Upstream;
let directory: string;
let proxy: Proxied;

/** Says back what it was sent, in many forms and small pieces. */
const echo: RequestListener = (request, response) => {
  const key = String(request.headers['authorization'] ?? request.headers['x-key'] ?? '');
  const value = key.replace(/^Bearer /, '');
  if (request.url?.startsWith('/gzip') === true) {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(`you are ${value}`));
    return;
  }
  if (request.url === '/twice' || request.url === '/odd') {
    response.statusCode = request.url === '/odd' ? 999 : 200;
    response.setHeader('etag', ['a', 'b']);
    response.end();
    return;
  }
  const forms = [
    value,
    Buffer.from(value).toString('base64'),
    Buffer.from(`x${value}`).toString('base64'),
    Buffer.from(`xy${value}`).toString('base64url'),
    Buffer.from(value).toString('hex'),
    encodeURIComponent(value),
    JSON.stringify({ value }),
    request.url ?? '',
  ].join('\n');
  response.setHeader('x-echo', value);
  const bytes = Buffer.from(forms);
  let at = 0;
  const next = (): void => {
    if (at >= bytes.length) {
      response.end();
      return;
    }
    response.write(bytes.subarray(at, at + 7));
    at += 7;
    setImmediate(next);
  };
  next();
};

beforeAll(async () => {
  authority = await publicAuthority();
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-egress-'));
  [upstream, elsewhere] = await Promise.all([
    httpsUpstream(authority, echo),
    httpsUpstream(authority, echo),
  ]);
  const { port } = upstream;
  proxy = await proxied(
    {
      policy: {
        mode: 'allow-list',
        allow: ['*.test', '127.0.0.1', `*.test:${port}`, `*.test:${elsewhere.port}`],
      },
      secrets: {
        API_KEY: { from: 'api', hosts: [`api.test:${port}`], header: 'authorization' },
        QUERY_KEY: { from: 'api', hosts: [`query.test:${port}`], query: 'key' },
        SWAP_KEY: { from: 'basic', hosts: [`swap.test:${port}`] },
        FORMAT_KEY: {
          from: 'api',
          hosts: [`format.test:${port}`],
          header: 'X-Key',
          format: 'v1 {secret}!',
        },
      },
      trust: {
        certificate: path.join(directory, 'ca.pem'),
        bundle: path.join(directory, 'all.pem'),
      },
    },
    {
      authorities: [authority.certificate],
      secrets: (reference) => (reference === 'api' ? real : basic),
    },
  );
  await writeFile(path.join(directory, 'ca.pem'), proxy.session.caCertificate);
  await writeFile(path.join(directory, 'all.pem'), proxy.session.caBundle);
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await closeServers();
  await rm(directory, { recursive: true });
});

/** curl as a program in a sandbox has it: with the session's environment and nothing else. */
async function curl(...parameters: readonly string[]): Promise<string> {
  const environment = proxy.session.environment();
  for (const name of Object.keys(environment)) {
    if (/_proxy$/i.test(name)) environment[name] = `http://127.0.0.1:${proxy.port}`;
  }
  const all = ['-sS', '--max-time', '20', '--noproxy', '', ...parameters];
  const { stdout } = await run('curl', all, { env: { PATH: process.env['PATH'], ...environment } });
  return stdout;
}

const headersOf = (headers: readonly string[], name: string): string[] =>
  headers.flatMap((value, index) =>
    index % 2 === 1 && headers[index - 1]?.toLowerCase() === name ? [value] : [],
  );

describe('the sandbox', () => {
  test('has placeholders of the same length and shape, and the way to the proxy', () => {
    const environment = proxy.session.environment();
    expect(environment).toMatchObject({
      https_proxy: 'http://127.0.0.1:3128',
      SSL_CERT_FILE: path.join(directory, 'all.pem'),
      NODE_EXTRA_CA_CERTS: path.join(directory, 'ca.pem'),
    });
    expect(environment['API_KEY']).toMatch(/^sk-live-[A-Z][a-z]\d[a-z][A-Z]\d[a-z][A-Z]/);
    expect(environment['API_KEY']).toHaveLength(real.length);
    expect(environment['SWAP_KEY']).toMatch(/^ghp_\d\d[A-Z]\d[a-z]/);
    expect(JSON.stringify(environment)).not.toContain(real.slice(8));
    expect(JSON.stringify(environment)).not.toContain(basic.slice(4));
  });
});

test.each([
  ['HTTP/1.1', '--http1.1'],
  ['HTTP/2', '--http2'],
])(
  '%s: the host gets the secret, and what it says back holds the placeholder',
  async (_, version) => {
    const url = `https://api.test:${upstream.port}/v1/x`;
    const before = upstream.seen.length;
    const own = [
      '-H',
      'Authorization: Bearer of-the-guest',
      '-H',
      'X-Api-Key: of-the-guest',
      '-H',
      'Cookie: a=b',
    ];
    const answer = await curl('-i', version, ...own, '-d', 'the body', url);
    const [seen] = upstream.seen.slice(before);
    expect(seen).toMatchObject({ method: 'POST', url: '/v1/x', body: 'the body' });
    expect(headersOf(seen?.headers ?? [], 'authorization')).toEqual([`Bearer ${real}`]);
    expect(seen?.headers.join('\n')).not.toContain('of-the-guest');
    const placeholder = proxy.session.environment()['API_KEY'] ?? '';
    for (const encoded of [real, encodeURIComponent(real), Buffer.from(real).toString('hex')])
      expect(answer).not.toContain(encoded);
    for (const prefix of ['', 'x', 'xy']) {
      const whole = Buffer.from(prefix + real).toString('base64url');
      expect(answer.replaceAll('+', '-').replaceAll('/', '_')).not.toContain(whole.slice(4, -4));
    }
    expect(answer).toMatch(new RegExp(`^x-echo: ${placeholder}`, 'im'));
    expect(answer).toContain(JSON.stringify({ value: placeholder }));
    expect(answer).toContain(Buffer.from(placeholder).toString('hex'));
    await proxy.engine.events.flush();
    expect(proxy.events.filter(({ type }) => type === 'decision').at(-1)).toMatchObject({
      protocol: 'https',
      host: 'api.test',
      path: '/v1/x',
      allowed: true,
      secrets: ['API_KEY'],
    });
    expect(proxy.events.at(-1)).toMatchObject({ type: 'end', status: 200, bytesOut: 8 });
    expect(JSON.stringify(proxy.events)).not.toContain(real.slice(8));
  },
);

test('a query, a format and a password of Basic carry it', async () => {
  const { port } = upstream;
  await curl(`https://query.test:${port}/a?x=1&key=mine&%6bey=mine`);
  expect(upstream.seen.at(-1)?.url).toBe(`/a?x=1&key=${real}`);
  await curl(`https://format.test:${port}/a`);
  expect(headersOf(upstream.seen.at(-1)?.headers ?? [], 'x-key')).toEqual([`v1 ${real}!`]);
  const placeholder = proxy.session.environment()['SWAP_KEY'] ?? '';
  await curl('-u', `git:${placeholder}`, `https://swap.test:${port}/a?t=${placeholder}`);
  const encoded = Buffer.from(`git:${basic}`).toString('base64');
  expect(headersOf(upstream.seen.at(-1)?.headers ?? [], 'authorization')).toEqual([
    `Basic ${encoded}`,
  ]);
  expect(upstream.seen.at(-1)?.url).toBe(`/a?t=${basic}`);
  const whoever = await curl('-u', 'git:my-own-password', `https://swap.test:${port}/b`);
  expect(headersOf(upstream.seen.at(-1)?.headers ?? [], 'authorization')).toEqual([]);
  expect(whoever).toContain('/b');
});

test('no other host, port or session gets more than the placeholder, and plaintext nothing', async () => {
  const placeholder = proxy.session.environment()['API_KEY'] ?? '';
  const own = ['-H', `Authorization: Bearer ${placeholder}`];
  await curl('-k', ...own, `https://other.test:${upstream.port}/`);
  expect(headersOf(upstream.seen.at(-1)?.headers ?? [], 'authorization')).toEqual([
    `Bearer ${placeholder}`,
  ]);
  await curl('-k', ...own, `https://api.test:${elsewhere.port}/`);
  expect(headersOf(elsewhere.seen.at(-1)?.headers ?? [], 'authorization')).toEqual([
    `Bearer ${placeholder}`,
  ]);
  const second = await proxy.engine.session({
    sandbox: 'sandbox-2',
    policy: { mode: 'none' },
    secrets: { API_KEY: { from: 'api', hosts: ['api.test'] } },
  });
  expect(second.environment()['API_KEY']).not.toBe(placeholder);
  expect(second.caCertificate).not.toBe(proxy.session.caCertificate);
  await second.close();
});

test('a redirect to another host is the client’s affair, and does not take the secret along', async () => {
  const answer = await curl('-i', `https://query.test:${upstream.port}/a`);
  expect(answer).toContain(`?key=${proxy.session.environment()['QUERY_KEY']}`);
  expect(answer).not.toContain(real);
});

test('an answer that is compressed although it must not be is read', async () => {
  const placeholder = proxy.session.environment()['API_KEY'] ?? '';
  const answer = await curl('--compressed', `https://api.test:${upstream.port}/gzip`);
  expect(answer).toBe(`you are ${placeholder}`);
  expect(headersOf(upstream.seen.at(-1)?.headers ?? [], 'accept-encoding')).toEqual(['identity']);
});

test('a new value is used at once, and the old one is masked still', async () => {
  const old = real;
  const url = `https://api.test:${upstream.port}/`;
  await curl(url);
  real = 'sk-live-another-value-of-another-length-0042';
  try {
    const answer = await curl('-H', `X-Key: ${old}`, url);
    expect(headersOf(upstream.seen.at(-1)?.headers ?? [], 'authorization')).toEqual([
      `Bearer ${real}`,
    ]);
    expect(answer).not.toContain(real);
    expect(answer).not.toContain(old);
  } finally {
    real = old;
  }
});

test('a secret that is gone is an error that says nothing of it, and nothing is sent', async () => {
  const old = real;
  const before = upstream.seen.length;
  real = '';
  try {
    const answer = await curl('-i', `https://api.test:${upstream.port}/`);
    expect(answer).toMatch(/^HTTP\/2 502/m);
    expect(answer).toContain('secret-unavailable');
  } finally {
    real = old;
  }
  expect(upstream.seen).toHaveLength(before);
});

test('a host that is not who it should be is not sent the secret, whatever variables this process has', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const other = await publicAuthority();
  const impostor = await httpsUpstream(other, echo);
  await using wary = await proxied(
    {
      policy: { mode: 'allow-list', allow: [`api.test:${impostor.port}`, '127.0.0.1'] },
      secrets: {
        KEY: { from: 'api', hosts: [`api.test:${impostor.port}`], header: 'authorization' },
      },
    },
    { authorities: [authority.certificate], secrets: () => real },
  );
  const secured = await tunnelTo(wary, `api.test:${impostor.port}`, ['http/1.1']);
  secured.write(`GET / HTTP/1.1\r\nHost: api.test:${impostor.port}\r\n\r\n`);
  const [answer] = (await once(secured, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 502 /);
  expect(impostor.seen).toEqual([]);
});

test('within TLS that is read, another Host or authority is refused', async () => {
  const before = upstream.seen.length;
  const there = `api.test:${upstream.port}`;
  const old = await tunnelTo(proxy, there, ['http/1.1']);
  old.write('GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n');
  const [answer] = (await once(old, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 421 /);
  const secured = await tunnelTo(proxy, there, ['h2']);
  const client = connectHttp2(`https://${there}`, { createConnection: () => secured });
  const stream = client.request({ ':path': '/', ':authority': 'evil.test' });
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
  expect(head[':status']).toBe(421);
  client.destroy();
  expect(upstream.seen).toHaveLength(before);
});

test('the certificate of a session is for its hosts only, and its authority signs nothing else', async () => {
  const secured = await tunnelTo(proxy, `api.test:${upstream.port}`, ['http/1.1']);
  const { subjectaltname, fingerprint256 } = secured.getPeerCertificate();
  expect(subjectaltname).toBe('DNS:api.test');
  expect(fingerprint256).toMatch(/:/);
  secured.destroy();
  await writeFile(path.join(directory, 'only.pem'), proxy.session.caCertificate);
  const { stdout } = await run('openssl', [
    'x509',
    '-in',
    path.join(directory, 'only.pem'),
    '-noout',
    '-text',
  ]);
  expect(stdout).toMatch(/CA:TRUE, pathlen:0/);
  expect(stdout).toMatch(/Public Key Algorithm: id-ecPublicKey/);
});

test('a WebSocket to a host with a secret is opened with it, and masked', async () => {
  const sockets = await httpsUpstream(authority);
  const { port } = sockets;
  await using live = await proxied(
    {
      policy: { mode: 'allow-list', allow: [`ws.test:${port}`, '127.0.0.1'] },
      secrets: { KEY: { from: 'api', hosts: [`ws.test:${port}`], header: 'x-key' } },
    },
    { authorities: [authority.certificate], secrets: () => real },
  );
  sockets.onUpgrade((request, socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const text = Buffer.from(`you are ${String(request.headers['x-key'])}`);
    const frame = Buffer.concat([Buffer.from([0x81, text.length]), text]);
    socket.write(frame.subarray(0, 20));
    setImmediate(() => socket.end(frame.subarray(20)));
  });
  const secured = await tunnelTo(live, `ws.test:${port}`, ['http/1.1']);
  const head = [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  secured.write([`GET /chat HTTP/1.1`, `Host: ws.test:${port}`, ...head, '', ''].join('\r\n'));
  const parts: Buffer[] = [];
  secured.on('data', (chunk: Buffer) => parts.push(chunk));
  await once(secured, 'end');
  const answer = Buffer.concat(parts).toString('latin1');
  expect(answer).toMatch(/^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/s);
  expect(answer).toContain(`you are ${live.session.environment()['KEY']}`);
  expect(await decisions(live)).toEqual([`allowed ws.test:${port}`]);
});

test('what Node does not write out ends one request and nothing else', async () => {
  const old = await httpsUpstream(authority, echo, 'http/1.1');
  const there = `api.test:${old.port}`;
  await using through = await proxied(
    {
      policy: { mode: 'allow-list', allow: [there, '127.0.0.1'] },
      secrets: { KEY: { from: 'api', hosts: [there], header: 'authorization' } },
    },
    { authorities: [authority.certificate], secrets: () => real },
  );
  const secured = await tunnelTo(through, there, ['h2']);
  const client = connectHttp2(`https://${there}`, { createConnection: () => secured });
  client.on('error', () => undefined);
  const odd = client.request({ ':path': '/', ':method': 'NO TOKEN' });
  odd.on('error', () => undefined);
  await new Promise((resolve) => void odd.once('close', resolve));
  const twice = client.request({ ':path': '/twice' });
  twice.on('error', () => undefined);
  const [head] = (await once(twice, 'response')) as [Record<string, unknown>];
  expect(head).toMatchObject({ ':status': 200, etag: 'a, b' });
  const status = client.request({ ':path': '/odd' });
  const [refused] = (await once(status, 'response')) as [Record<string, unknown>];
  expect(refused[':status']).toBe(502);
  const fine = client.request({ ':path': '/' });
  const [good] = (await once(fine, 'response')) as [Record<string, unknown>];
  expect(good[':status']).toBe(200);
  client.destroy();
});
