import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Sandbox } from '@gantry/core';
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
  const { url, headers } = await sandbox.expose(port);
  const passed = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !hopByHop.test(name)),
  );
  const onward = httpRequest(
    new URL(request.url ?? '/', url),
    { method: request.method, headers: { ...passed, ...headers } },
    (answered) => {
      response.statusCode = answered.statusCode ?? 502;
      for (const [name, value] of Object.entries(answered.headers)) {
        if (value !== undefined && !hopByHop.test(name)) response.setHeader(name, value);
      }
      answered.pipe(response as NodeJS.WritableStream);
    },
  );
  onward.on('error', () => {
    // Nobody listens, or whoever did has hung up in the middle.
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
  const endpoint = await sandbox.expose(port);
  const { hostname, port: place } = new URL(endpoint.url);
  const server = connect(Number(place), hostname, () => {
    const pairs = request.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ''}`] : [],
    );
    const more = Object.entries(endpoint.headers).map(([name, value]) => `${name}: ${value}`);
    const first = `${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/1.1`;
    server.write(`${[first, ...pairs, ...more].join('\r\n')}\r\n\r\n`);
    server.write(head);
    server.pipe(client).pipe(server);
  });
  server.on('error', () => client.destroy());
  client.on('error', () => server.destroy());
  client.once('close', () => server.destroy());
}
