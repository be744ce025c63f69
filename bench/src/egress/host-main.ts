// The hosts that the benchmark asks: `host-main KEY-FILE CERTIFICATE-FILE`. Prints one line of JSON with the ports, and ends with its input.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';

const [keyFile = '', certificateFile = ''] = process.argv.slice(2);
const block = Buffer.alloc(256 * 1024, 'x');

const answer: RequestListener = (request, response) => {
  const bytes = Number(request.headers['x-bytes'] ?? 2);
  response.writeHead(200, { 'content-length': String(bytes) });
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const part = block.subarray(0, Math.min(left, block.length));
      left -= part.length;
      if (!response.write(part)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
};

const tls = { key: readFileSync(keyFile), cert: readFileSync(certificateFile) };
const servers: readonly Server[] = [
  createHttpServer(answer),
  createHttpsServer(tls, answer),
  createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  }),
];
const ports = await Promise.all(
  servers.map(async (server) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }),
);
process.stdout.write(`${JSON.stringify({ ports })}\n`);
process.stdin.resume().once('end', () => process.exit(0));
