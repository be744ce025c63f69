import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  createSecureServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EgressEvent } from '../src/index.ts';
import type { SessionAuthority } from '../src/tls/session-authority.ts';
import { endHeaders, endStream, fields, frame, frameReader, kinds, reset } from './http2-frames.ts';
import {
  certified,
  closeServers,
  httpsUpstream,
  listen,
  type Proxied,
  proxied,
  publicAuthority,
  tunnelTo,
} from './proxied.ts';

// HTTP/2 from end to end: the host is spoken to as the client speaks, and what is promised for HTTP/1.1 holds in every stream.

const real = 'sk-live-Zk3vT9qLw2Xy8RbN4mCd7HfJ';
const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL } = constants;

let authority: SessionAuthority;
const sessions = new Set<ClientHttp2Session>();

beforeAll(async () => {
  authority = await publicAuthority();
});

afterAll(async () => {
  for (const session of sessions) session.destroy();
  await closeServers();
});

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A host of HTTP/2, and how many connections it has had. */
async function host(handle: Handler): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createSecureServer(certified(authority));
  server.on('session', () => {
    connections += 1;
  });
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    handle(stream, headers);
  });
  return { port: await listen(server), connections: () => connections };
}

/** A proxy that lets requests through to one port, where `api.test` gets the secret. */
async function through(port: number): Promise<Proxied> {
  return proxied(
    {
      policy: { mode: 'allow-list', allow: [`*.test:${port}`, '127.0.0.1'] },
      secrets: { KEY: { from: 'api', hosts: [`api.test:${port}`], header: 'authorization' } },
    },
    { authorities: [authority.certificate], secrets: () => real },
  );
}

/** A client of HTTP/2 in the place of a sandbox's. */
async function client(proxy: Proxied, port: number): Promise<ClientHttp2Session> {
  const there = `api.test:${port}`;
  const socket = await tunnelTo(proxy, there, ['h2']);
  expect(socket.alpnProtocol).toBe('h2');
  const session = connectHttp2(`https://${there}`, { createConnection: () => socket });
  session.on('error', () => undefined);
  sessions.add(session);
  return session;
}

interface Answer {
  readonly status: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly headersOnly: boolean;
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly code: number;
}

/** All that comes of a stream. Half an answer has a code. */
async function finish(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  let headersOnly = false;
  let body = '';
  stream.on('error', () => undefined);
  stream.on('response', (all, flags) => {
    headers = { ...all };
    headersOnly = (flags & endStream) !== 0;
  });
  stream.on('trailers', (all) => {
    trailers = { ...(all as Record<string, unknown>) };
  });
  stream.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  if (!stream.closed || !stream.destroyed)
    await new Promise((resolve) => void stream.once('close', resolve));
  return { status: headers[':status'], headers, headersOnly, body, trailers, code: stream.rstCode };
}

const get = async (session: ClientHttp2Session, path: string, more: OutgoingHttpHeaders = {}) =>
  finish(session.request({ ':path': path, ...more }));

const ends = async (proxy: Proxied): Promise<readonly EgressEvent[]> => {
  await proxy.engine.events.flush();
  return proxy.events.filter(({ type }) => type === 'end');
};

describe('calls as gRPC makes them', () => {
  test('stream both ways at once, with trailers, the secret put in and masked across frames', async () => {
    let arrived: IncomingHttpHeaders = {};
    const { port } = await host((stream, headers) => {
      arrived = headers;
      const key = String(headers['authorization']).slice('Bearer '.length);
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'x-echo': key },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () =>
        stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': key }),
      );
      stream.on('data', (chunk: Buffer) => {
        stream.write(`${chunk.toString()}:${key.slice(0, 11)}`);
        setImmediate(() => stream.write(`${key.slice(11)};`));
      });
      stream.on('end', () => setImmediate(() => stream.end()));
    });
    await using proxy = await through(port);
    const placeholder = proxy.session.environment()['KEY'] ?? '';
    const session = await client(proxy, port);
    const call = session.request({
      ':method': 'POST',
      ':path': '/svc/Chat',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-accept-encoding': 'gzip',
      authorization: `Bearer ${placeholder}`,
    });
    let heard = '';
    call.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    const done = finish(call);
    // Each message is answered before the next is sent: nothing waits for an end.
    for (const message of ['one', 'two', 'three']) {
      call.write(message);
      await expect.poll(() => heard, { timeout: 30_000 }).toMatch(new RegExp(`${message}:\\S*;$`));
    }
    call.end();
    const answer = await done;
    expect(arrived).toMatchObject({
      ':authority': `api.test:${port}`,
      ':method': 'POST',
      ':path': '/svc/Chat',
      authorization: `Bearer ${real}`,
      te: 'trailers',
    });
    expect(arrived).not.toHaveProperty('host');
    expect(arrived).not.toHaveProperty('grpc-accept-encoding');
    expect(answer).toMatchObject({ status: 200, code: NGHTTP2_NO_ERROR });
    expect(answer.body).toBe(`one:${placeholder};two:${placeholder};three:${placeholder};`);
    expect(answer.trailers).toMatchObject({ 'grpc-status': '0', 'grpc-message': placeholder });
    expect(JSON.stringify(answer)).not.toContain(real);
    expect(await ends(proxy)).toMatchObject([
      { status: 200, bytesOut: 11, bytesIn: answer.body.length },
    ]);
    expect(JSON.stringify(proxy.events)).not.toContain(real);
  });

  test('fail with headers alone, early while the client still sends, and are cancelled', async () => {
    const cancelled: number[] = [];
    const { port } = await host((stream, headers) => {
      if (headers[':path'] === '/only') {
        stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
      } else if (headers[':path'] === '/early') {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => {
          stream.sendTrailers({ 'grpc-status': '8' });
          setImmediate(() => stream.close());
        });
        stream.once('data', () => stream.end('enough'));
      } else if (headers[':path'] === '/packed') {
        stream.respond({ ':status': 200, 'grpc-encoding': 'gzip' });
        stream.end('packed');
      } else {
        stream.respond({ ':status': 200 });
        stream.write('wait');
        stream.once('close', () => cancelled.push(stream.rstCode));
      }
    });
    await using proxy = await through(port);
    const session = await client(proxy, port);
    expect(await get(session, '/only')).toMatchObject({
      status: 200,
      headersOnly: true,
      headers: { 'grpc-status': '5' },
    });
    const early = session.request({ ':path': '/early', ':method': 'POST' });
    early.write('a message, and no end');
    expect(await finish(early)).toMatchObject({
      body: 'enough',
      trailers: { 'grpc-status': '8' },
      code: NGHTTP2_NO_ERROR,
    });
    // Compressed messages cannot be masked.
    expect(await get(session, '/packed')).toMatchObject({
      status: 502,
      headers: { 'x-gantry-egress': 'unreadable-answer' },
    });
    const waiting = session.request({ ':path': '/wait' });
    await once(waiting, 'data');
    waiting.close(NGHTTP2_CANCEL);
    await expect.poll(() => cancelled, { timeout: 30_000 }).toEqual([NGHTTP2_CANCEL]);
    await expect
      .poll(async () => (await ends(proxy)).at(-1), { timeout: 30_000 })
      .toMatchObject({ problem: 'aborted' });
  });
});

test('many streams share few connections to the host, and have events of their own', async () => {
  const { port, connections } = await host((stream, headers) => {
    stream.respond({ ':status': 200 });
    stream.end(`${String(headers[':path'])}\n`);
  });
  await using proxy = await through(port);
  const session = await client(proxy, port);
  const paths = Array.from({ length: 300 }, (_, index) => `/${index}`);
  const answers = await Promise.all(paths.map(async (path) => get(session, path)));
  expect(answers.map(({ body }) => body.trim())).toEqual(paths);
  expect(connections()).toBeLessThanOrEqual(3);
  expect(await ends(proxy)).toHaveLength(paths.length);
  const asked = proxy.events.flatMap((event) => (event.type === 'decision' ? [event.path] : []));
  expect(new Set(asked)).toEqual(new Set(paths));
});

test('a host of HTTP/1.1 is spoken to by that, also with trailers, cookies and a body of no length', async () => {
  const old = await httpsUpstream(
    authority,
    (request, response) => {
      response.writeHead(200, { trailer: 'x-sum', 'set-cookie': ['a=1', 'b=2'] });
      response.write(String(request.headers.authorization));
      response.addTrailers({ 'x-sum': String(request.headers.authorization) });
      response.end();
    },
    'http/1.1',
  );
  await using proxy = await proxied(
    {
      policy: { mode: 'allow-list', allow: [`*.test:${old.port}`, '127.0.0.1'] },
      secrets: { KEY: { from: 'api', hosts: [`api.test:${old.port}`], header: 'x-key' } },
    },
    { authorities: [authority.certificate], secrets: () => real },
  );
  const session = await client(proxy, old.port);
  const call = session.request({
    ':path': '/a',
    ':method': 'POST',
    te: 'trailers',
    'x-key': 'own',
  });
  call.write('first ');
  call.end('second');
  const answer = await finish(call);
  expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(answer).toMatchObject({ status: 200, trailers: { 'x-sum': 'undefined' } });
  expect(old.seen).toMatchObject([{ version: '1.1', method: 'POST', body: 'first second' }]);
  const headers = old.seen[0]?.headers ?? [];
  expect(headers.join('\n')).toContain(`x-key\n${real}`);
  expect(headers.map((text) => text.toLowerCase())).not.toContain('te');
});

/** A host that answers every request with these frames, and says nothing of its own. */
async function frames(
  answer: (stream: number, socket: TLSSocket) => readonly Buffer[],
): Promise<number> {
  return listen(
    createTls({ ...certified(authority), ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => undefined);
      socket.write(frame('settings', 0, 0));
      socket.on(
        'data',
        frameReader(({ kind, flags, stream }) => {
          if (kind === kinds.settings && (flags & 1) === 0) socket.write(frame('settings', 1, 0));
          if (kind === kinds.headers) for (const each of answer(stream, socket)) socket.write(each);
        }, true),
      );
    }),
  );
}

type Fields = readonly (readonly [string, string])[];

const answered = (stream: number, status: string, more: Fields = []): Buffer =>
  frame('headers', endHeaders, stream, fields([[':status', status], ...more]));
const head = (stream: number, more: Fields = []): Buffer => answered(stream, '200', more);

test.each<readonly [string, (stream: number, socket: TLSSocket) => readonly Buffer[]]>([
  ['resets the stream without an error', (stream) => [reset(stream, 0)]],
  ['cancels the stream', (stream) => [reset(stream, 8)]],
  ['resets the stream with an error', (stream) => [reset(stream, 2)]],
  [
    'closes the connection',
    (_, socket) => {
      socket.end();
      return [];
    },
  ],
])('half an answer does not look like a whole one: the host %s', async (_, broken) => {
  const port = await frames((stream, socket) => {
    setImmediate(() => {
      for (const each of broken(stream, socket)) socket.write(each);
    });
    return [head(stream), frame('data', 0, stream, Buffer.from('half'))];
  });
  await using proxy = await through(port);
  const answer = await get(await client(proxy, port), '/');
  expect(answer.body).toMatch(/^(?:half)?$/);
  expect(answer.code).not.toBe(NGHTTP2_NO_ERROR);
  expect(answer.code).not.toBe(NGHTTP2_CANCEL);
  expect(await ends(proxy)).toMatchObject([{ problem: expect.any(String) as unknown }]);
});

test('what a host may not send ends the request, and what it takes back is asked again', async () => {
  let asked = 0;
  const port = await frames((stream, socket) => {
    asked += 1;
    const whole = [head(stream), frame('data', endStream, stream, Buffer.from(`${asked}`))];
    if (asked === 1) return whole;
    if (asked === 2) {
      // The kept connection ends with the request that is on its way.
      const last = Buffer.alloc(8);
      last.writeUInt32BE(stream - 2, 0);
      socket.end(frame('goaway', 0, 0, last));
      return [];
    }
    if (asked === 3) return whole;
    if (asked === 4) return [head(stream, [['connection', 'close']])];
    // nghttp2 leaves such a field out.
    if (asked === 5) return [head(stream, [['x', 'a\r\nb']]), ...whole.slice(1)];
    // Push is off.
    return [frame('headers', endHeaders, 2, fields([[':status', '200']]))];
  });
  await using proxy = await through(port);
  const session = await client(proxy, port);
  expect(await get(session, '/')).toMatchObject({ status: 200, body: '1' });
  expect(await get(session, '/')).toMatchObject({ status: 200, body: '3' });
  expect(await get(session, '/')).toMatchObject({ status: 502 });
  const { status, headers } = await get(session, '/');
  expect([status, headers['x']]).toEqual([200, undefined]);
  expect(await get(session, '/')).toMatchObject({ status: 502 });
});

test('what a host may not answer is refused, and what it answers is masked, names of headers too', async () => {
  const ask = async (answer: (stream: number) => readonly Buffer[]) => {
    const port = await frames(answer);
    await using proxy = await through(port);
    const placeholder = proxy.session.environment()['KEY'] ?? '';
    return { ...(await get(await client(proxy, port), '/')), placeholder };
  };
  const told = (stream: number): Buffer => frame('data', endStream, stream, Buffer.from(real));
  const refused = (rule: string) => ({
    status: 502,
    headers: { 'x-gantry-egress': rule },
    code: NGHTTP2_NO_ERROR,
  });
  // Another protocol, for which HTTP/2 has no words, and what Node does not write.
  for (const status of ['101', '700']) {
    const answer = await ask((stream) => [answered(stream, status), told(stream)]);
    expect(answer).toMatchObject(refused('unreachable'));
  }
  // A body where none is would not be masked.
  expect((await ask((stream) => [answered(stream, '204'), told(stream)])).body).toBe('');
  const packed = [['content-encoding', 'compress']] as const;
  expect(await ask((stream) => [head(stream, packed), told(stream)])).toMatchObject(
    refused('unreadable-answer'),
  );
  // Names have no capitals.
  const [name, last] = [`x-${real.toLowerCase()}`, `y-${real.toLowerCase()}`];
  const masked = await ask((stream) => [
    head(stream, [[name, real]]),
    frame('data', 0, stream, Buffer.from('ok')),
    frame('headers', endHeaders | endStream, stream, fields([[last, real]])),
  ]);
  const { placeholder } = masked;
  expect(masked).toMatchObject({
    status: 200,
    headers: { [`x-${placeholder.toLowerCase()}`]: placeholder },
    body: 'ok',
    trailers: { [`y-${placeholder.toLowerCase()}`]: placeholder },
  });
});

test('a request that is no harmless one is not sent twice', async () => {
  const asked: number[] = [];
  const port = await frames((stream, socket) => {
    asked.push(stream);
    if (stream === 1) return [head(stream), frame('data', endStream, stream, Buffer.from('ok'))];
    const last = Buffer.alloc(8);
    last.writeUInt32BE(1, 0);
    socket.end(frame('goaway', 0, 0, last));
    return [];
  });
  await using proxy = await through(port);
  const session = await client(proxy, port);
  expect(await get(session, '/')).toMatchObject({ status: 200 });
  const post = await finish(
    session.request({ ':path': '/', ':method': 'POST' }, { endStream: true }),
  );
  expect(post).toMatchObject({ status: 502 });
  expect(asked).toEqual([1, 3]);
});

test.each(['update', 'close'] as const)(
  '%s while a host is connected to lets nothing out, and keeps no connection',
  async (way) => {
    const met = Promise.withResolvers<void>();
    const agreed = Promise.withResolvers<void>();
    const { SNICallback } = certified(authority);
    let [streams, open] = [0, 0];
    const server = createSecureServer({
      SNICallback: (name, done) => {
        met.resolve();
        void agreed.promise.then(() => SNICallback(name, done));
      },
    });
    server.on('sessionError', () => undefined);
    server.on('stream', () => void (streams += 1));
    server.on('connection', (socket: Socket) => {
      open += 1;
      socket.once('close', () => void (open -= 1));
    });
    const port = await listen(server);
    const proxy = await through(port);
    const session = await client(proxy, port);
    const answer = finish(session.request({ ':path': '/' }));
    await met.promise;
    if (way === 'update') proxy.session.update({ mode: 'allow-list', allow: ['127.0.0.1'] });
    else await proxy.session.close();
    // A client whose connection goes has no code of it.
    expect((await answer).status).toBeUndefined();
    if (way === 'update') agreed.resolve();
    // Before the limit on a handshake would end it.
    await expect.poll(() => open, { timeout: 20_000 }).toBe(0);
    agreed.resolve();
    expect(await ends(proxy)).toMatchObject([{ problem: way === 'update' ? 'policy' : 'closed' }]);
    expect(streams).toBe(0);
    await proxy[Symbol.asyncDispose]();
  },
);

test('a host that is not who it should be is not spoken to, whatever variables this process has', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const impostor = await httpsUpstream(await publicAuthority());
  await using proxy = await through(impostor.port);
  const session = await client(proxy, impostor.port);
  expect(await get(session, '/')).toMatchObject({ status: 502 });
  expect(impostor.seen).toEqual([]);
});

test('a change of the policy cuts streams that it no longer allows, and keeps no connection', async () => {
  const { port, connections } = await host((stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/long') stream.write('begun');
    else stream.end('ok');
  });
  await using proxy = await through(port);
  const session = await client(proxy, port);
  const long = session.request({ ':path': '/long' });
  const [begun] = (await once(long, 'data')) as [Buffer];
  expect(begun.toString()).toBe('begun');
  const cut = finish(long);
  const there = `api.test:${port}`;
  proxy.session.update({
    mode: 'allow-list',
    allow: ['127.0.0.1'],
    requests: [{ host: there, methods: ['GET'], paths: ['/short'] }],
  });
  expect((await cut).code).not.toBe(NGHTTP2_NO_ERROR);
  expect(await get(session, '/short')).toMatchObject({ status: 200, body: 'ok' });
  expect(await get(session, '/long')).toMatchObject({ status: 403 });
  expect(await get(session, '/short/../long')).toMatchObject({ status: 400 });
  expect(connections()).toBe(2);
  expect(await ends(proxy)).toMatchObject([{ problem: 'policy' }, { status: 200 }]);
});
