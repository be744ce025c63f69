import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Sandbox } from '@gantry/core';
import { connectToGuest } from './guest-port.ts';
import type { WireRequest, WireResponse } from './listener.ts';

/** Headers that concern one connection only (RFC 9110, 7.6.1), or HTTP/2 alone. */
const hopByHop = /^(?::.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;

/** Passes a request on to a port of a sandbox, and its answer back; `refused` answers where nobody listens. */
export async function proxyRequest(
  sandbox: Sandbox,
  port: number,
  request: WireRequest,
  response: WireResponse,
  refused: () => void,
): Promise<void> {
  const connection = await connectToGuest(sandbox, port);
  if (!connection) return refused();
  const { socket, headers } = connection;
  const passed = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !hopByHop.test(name)),
  );
  const onward = httpRequest(
    {
      ...{ method: request.method, path: request.url ?? '/', headers: { ...passed, ...headers } },
      ...{ createConnection: () => socket },
    },
    (answered) => {
      response.statusCode = answered.statusCode ?? 502;
      for (const [name, value] of Object.entries(answered.headers)) {
        if (value !== undefined && !hopByHop.test(name)) response.setHeader(name, value);
      }
      answered.pipe(response as NodeJS.WritableStream);
    },
  );
  onward.on('error', () => {
    // Whoever listened has hung up.
    if (response.headersSent) response.destroy();
    else refused();
  });
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}

/** Passes an upgrade on, and from then on every byte. */
export async function proxyUpgrade(
  sandbox: Sandbox,
  port: number,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  const connection = await connectToGuest(sandbox, port);
  if (!connection) return void client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  const { socket: server, headers } = connection;
  const pairs = request.rawHeaders.flatMap((name, index, all) =>
    index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ''}`] : [],
  );
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const first = `${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/1.1`;
  server.write(`${[first, ...pairs, ...more].join('\r\n')}\r\n\r\n`);
  server.write(head);
  server.pipe(client).pipe(server);
  server.on('error', () => client.destroy());
  client.on('error', () => server.destroy());
  client.once('close', () => server.destroy());
}
