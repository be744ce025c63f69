import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Reads an answer to its end; returns how many bytes its body had. */
async function finish(request: ClientRequest): Promise<number> {
  request.end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`the answer is ${answer.statusCode}`);
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(answer, 'end');
  return bytes;
}

const bytesHeader = (bytes: number): Record<string, string> => ({ 'x-bytes': String(bytes) });

/** One request on a new connection, straight to the host. */
export async function direct(port: number, bytes: number): Promise<number> {
  const headers = bytesHeader(bytes);
  return finish(httpRequest({ host: '127.0.0.1', port, agent: false, headers }));
}

/** The same through the proxy. */
export async function proxied(proxy: number, port: number, bytes: number): Promise<number> {
  const host = `plain.test:${port}`;
  const headers = { ...bytesHeader(bytes), host };
  const path = `http://${host}/`;
  return finish(httpRequest({ host: '127.0.0.1', port: proxy, agent: false, path, headers }));
}

/** One HTTPS request on a new connection, straight to the host. */
export async function directTls(port: number, ca: string, bytes: number): Promise<number> {
  const options = { host: '127.0.0.1', port, servername: 'plain.test', ca, agent: false };
  return finish(
    httpsRequest({ ...options, headers: { ...bytesHeader(bytes), host: `plain.test:${port}` } }),
  );
}

/** The same through a tunnel of the proxy. */
export async function tunnelledTls(
  proxy: number,
  target: { readonly name: string; readonly port: number; readonly ca: string },
  bytes: number,
): Promise<number> {
  const { name, port, ca } = target;
  const socket = await tunnel(proxy, `${name}:${port}`);
  const createConnection = (): Socket => connectTls({ socket, servername: name, ca });
  const headers = { ...bytesHeader(bytes), host: `${name}:${port}` };
  return finish(httpRequest({ createConnection, headers }));
}

/** A tunnel to a host. */
export async function tunnel(proxy: number, authority: string): Promise<Socket> {
  const socket = connect({ port: proxy, host: '127.0.0.1', noDelay: true });
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString().startsWith('HTTP/1.1 200 '))
    throw new Error(`no tunnel: ${head.toString()}`);
  return socket;
}

/** Opens so many connections, has them all open at once, and hears its own words on each. */
export async function conversations(count: number, open: () => Promise<Socket>): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: count }, open));
  await Promise.all(
    sockets.map(async (socket, index) => {
      socket.write(`conversation ${index}`);
      const [heard] = (await once(socket, 'data')) as [Buffer];
      if (heard.toString() !== `conversation ${index}`) throw new Error('heard something else');
    }),
  );
  for (const socket of sockets) socket.destroy();
}

/** A connection straight to a host. */
export async function straight(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}
