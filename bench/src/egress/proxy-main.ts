// The proxy in a process of its own, as it is beside a sandbox's: `proxy-main CERTIFICATE-FILE HTTP-PORT HTTPS-PORT TCP-PORT`. Prints one
// line of JSON with its port and the authority that its client must trust, and ends with its input.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createEgressEngine } from '@gantry/egress';

const [certificateFile = '', ...ports] = process.argv.slice(2);
const engine = createEgressEngine({
  record: () => undefined,
  lookup: async () => Promise.resolve(['127.0.0.1']),
  authorities: [readFileSync(certificateFile, 'utf8')],
  secrets: () => 'sk-bench-0123456789abcdefghijklmnop',
  maxPending: 100_000,
});
const session = await engine.session({
  sandbox: 'bench',
  policy: {
    mode: 'allow-list',
    allow: ['127.0.0.1', ...ports.flatMap((port) => [`plain.test:${port}`, `secret.test:${port}`])],
  },
  secrets: {
    KEY: {
      from: 'key',
      hosts: ports.map((port) => `secret.test:${port}`),
      header: 'authorization',
    },
  },
});
const door = createServer({ noDelay: true }, (socket) => session.accept(socket));
door.listen({ port: 0, host: '127.0.0.1', backlog: 2048 });
await once(door, 'listening');
const { port } = door.address() as AddressInfo;
process.stdout.write(`${JSON.stringify({ ports: [port], authority: session.caCertificate })}\n`);
process.stdin.resume().once('end', () => process.exit(0));
