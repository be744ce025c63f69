import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Sandbox } from 'e2b';
import { WebSocket } from 'ws';
import { type E2bEmulator, startE2b, until } from './e2b-emulator.ts';

// What the vendor's router does for the ports of sandboxes.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Answers with what it was asked; a WebSocket gets back what it sends (RFC 6455, short frames). */
const server = `
import base64, hashlib, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        key = self.headers.get('Sec-WebSocket-Key')
        if key:
            guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
            accept = base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()
            self.send_response(101)
            for name, value in (('Upgrade', 'websocket'), ('Connection', 'Upgrade'), ('Sec-WebSocket-Accept', accept)):
                self.send_header(name, value)
            self.end_headers()
            head = self.rfile.read(2)
            mask = self.rfile.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([129, len(data)]) + data)
            self.wfile.flush()
            self.rfile.read(1)
            self.close_connection = True
            return
        body = (self.path + ' ' + self.headers.get('X-Test', '')).encode()
        self.send_response(207)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(('127.0.0.1', 8000), Handler).serve_forever()
`;

let e2b: E2bEmulator;
let sandbox: Sandbox;

beforeAll(async () => {
  e2b = await startE2b();
  sandbox = await e2b.create();
  await sandbox.files.write('server.py', server);
  await sandbox.commands.run('python3 server.py', { background: true, timeoutMs: 0 });
  await until(async () => (await byHost(sandbox.getHost(8000), '/')).status === 207);
});
afterAll(() => e2b[Symbol.asyncDispose]());

/** As a browser does it, which knows that names below localhost are this machine. */
async function byHost(
  host: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const port = Number(new URL(`http://${host}`).port);
  const asked = request({ host: '127.0.0.1', port, path, headers: { host, ...headers } });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, text: await new Response(answer as never).text() };
}

test('a port is reached by the name that the SDK tells', async () => {
  const answer = await byHost(sandbox.getHost(8000), '/path?query', { 'x-test': 'passed' });
  expect(answer).toEqual({ status: 207, text: '/path?query passed' });
});

test('a port is reached by the two headers', async () => {
  const headers = { 'e2b-sandbox-id': sandbox.sandboxId, 'e2b-sandbox-port': '8000' };
  const answer = await fetch(`${e2b.emulator.url}/by-headers`, { headers });
  expect([answer.status, await answer.text()]).toEqual([207, '/by-headers ']);
});

test('a WebSocket gets through', async () => {
  const host = sandbox.getHost(8000);
  const socket = new WebSocket(`${e2b.emulator.url.replace('http', 'ws')}/`, { headers: { host } });
  await once(socket, 'open');
  socket.send('echo me');
  const [message] = (await once(socket, 'message')) as [Buffer];
  expect(message.toString()).toBe('echo me');
  socket.terminate();
});

test('a closed port, an unknown sandbox and a private port are told apart', async () => {
  expect(await byHost(sandbox.getHost(8001), '/')).toEqual({
    status: 502,
    text: JSON.stringify({
      ...{ sandboxId: sandbox.sandboxId, port: 8001, code: 502 },
      message: 'The sandbox is running but port is not open',
    }),
  });
  const unknown = sandbox.getHost(8000).replace(sandbox.sandboxId, 'iunknown');
  const answer = await byHost(unknown, '/');
  expect(answer.status).toBe(502);
  expect(answer.text).toContain('The sandbox was not found');

  const quiet = await e2b.create({ network: { allowPublicTraffic: false } });
  const token = quiet.trafficAccessToken ?? '';
  expect(token).not.toBe('');
  expect((await byHost(quiet.getHost(8000), '/')).status).toBe(403);
  const allowed = await byHost(quiet.getHost(8000), '/', { 'e2b-traffic-access-token': token });
  expect(allowed.status).toBe(502);
  await quiet.kill();
});
