import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { connectToGuest } from '../chassis/guest-port.ts';
import type { WireRequest, WireResponse } from '../chassis/listener.ts';
import type { E2bSandbox } from './e2b-sandbox.ts';

/** Headers that concern one connection only (RFC 9110, 7.6.1), or HTTP/2 alone. */
const hopByHop = /^(?::.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;

/** The router's answer for a port on which nobody listens. */
export function closedPort(response: WireResponse, sandboxId: string, port: number): void {
  answer(response, {
    ...{ sandboxId, port, code: 502 },
    message: 'The sandbox is running but port is not open',
  });
}

/** The router's answer for a sandbox that it does not know, or that is paused. */
export function unknownSandbox(response: WireResponse, sandboxId: string): void {
  answer(response, { sandboxId, message: 'The sandbox was not found', code: 502 });
}

/** Passes a request on to a port of a sandbox, and its answer back. */
export async function proxyRequest(
  { id, sandbox }: E2bSandbox,
  port: number,
  request: WireRequest,
  response: WireResponse,
): Promise<void> {
  const connection = await connectToGuest(sandbox, port);
  if (!connection) return closedPort(response, id, port);
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
    else closedPort(response, id, port);
  });
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}

/** Passes an upgrade on, and from then on every byte. */
export async function proxyUpgrade(
  { sandbox }: E2bSandbox,
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

function answer(response: WireResponse, body: object): void {
  response.statusCode = 502;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
