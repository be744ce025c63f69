import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { guestManifest } from './guest.ts';
import type { Scenario } from './network-scenarios.ts';

/** Runs in the sandbox: makes calls over one connection of HTTP/2, each message after the answer to the one before, as gRPC does. */
const program = String.raw`
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
const proxy = new URL(process.env.HTTPS_PROXY);
const [, , authority, ...paths] = process.argv;
const socket = connect({ host: proxy.hostname, port: Number(proxy.port) });
socket.write('CONNECT ' + authority + ' HTTP/1.1\r\nHost: ' + authority + '\r\n\r\n');
await once(socket, 'data');
const secured = connectTls({ socket, servername: authority.split(':')[0], ALPNProtocols: ['h2'] });
const session = connectHttp2('https://' + authority, { createConnection: () => secured });
async function call(path) {
  const stream = session.request({ ':method': 'POST', ':path': path, te: 'trailers', 'x-key': process.env.API_KEY });
  const heard = [];
  let trailers = {};
  stream.on('trailers', (all) => { trailers = { ...all }; });
  const [head] = await once(stream, 'response');
  if (head[':status'] !== 200) { stream.resume(); stream.end(); return { status: head[':status'] }; }
  stream.setEncoding('utf8');
  for (const message of ['one', 'two']) {
    stream.write(message);
    while (!heard.join('').endsWith(message + ';')) heard.push(...(await once(stream, 'data')));
  }
  stream.end();
  stream.on('data', (text) => heard.push(text));
  await once(stream, 'end');
  return { status: head[':status'], body: heard.join(''), code: trailers['grpc-status'], message: trailers['grpc-message'] };
}
const calls = await Promise.all(paths.map(call));
console.log(JSON.stringify({ protocol: secured.alpnProtocol, calls }));
session.close();
`;

export const http2Scenarios: readonly Scenario[] = [
  {
    name: 'calls over HTTP/2 stream both ways to a host with a secret and rules, with trailers, and show the placeholder',
    async run({ provider, world }) {
      const secret = 'sk-test-4f9bD2kQ7wXzB1nM5vC8aS3e';
      const arrived: IncomingHttpHeaders[] = [];
      const host = createSecureServer(world.certified);
      host.on('stream', (stream, headers) => {
        arrived.push(headers);
        const key = String(headers['x-key']);
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': key }),
        );
        stream.on('data', (chunk: Buffer) => {
          stream.write(key.slice(0, 9));
          setImmediate(() => stream.write(`${key.slice(9)} ${chunk.toString()};`));
        });
        stream.on('end', () => stream.end());
      });
      host.listen(0, '127.0.0.2');
      await once(host, 'listening');
      const authority = `api.test:${(host.address() as AddressInfo).port}`;
      try {
        const manifest = guestManifest({
          network: {
            mode: 'allow-list',
            allow: ['127.0.0.2/32'],
            requests: [{ host: authority, methods: ['POST'], paths: ['/svc/**'] }],
          },
          secrets: { API_KEY: { from: 'vault:key', hosts: [authority] } },
          entries: { 'calls.mjs': { type: 'file', text: program } },
        });
        await using sandbox = await provider.create({ manifest, secrets: () => secret });
        const paths = ['/svc/Chat', '/other', '/svc/../other'];
        const { ok, stdout, stderr } = await sandbox.exec([
          '/workspace/node',
          '/workspace/calls.mjs',
          authority,
          ...paths,
        ]);
        assert.ok(ok, stderr.text);
        const { text: placeholder } = (await sandbox.exec('printf %s "$API_KEY"')).stdout;
        assert.notEqual(placeholder, secret);
        assert.deepEqual(JSON.parse(stdout.text), {
          protocol: 'h2',
          calls: [
            {
              status: 200,
              body: `${placeholder} one;${placeholder} two;`,
              code: '0',
              message: placeholder,
            },
            { status: 403 },
            { status: 400 },
          ],
        });
        assert.deepEqual(
          arrived.map((headers) => [headers[':path'], headers['x-key'], headers.te]),
          [['/svc/Chat', secret, 'trailers']],
        );
      } finally {
        host.close();
      }
    },
  },
];
