// Runs in the network of a sandbox, with the files of the host: connects to ports on the sandbox's
// loopback address, or listens there, and hands the sockets to the process that started it. It reads none of their bytes.
import { readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import {
  type ConnectorMessage,
  type ConnectRequest,
  isConnectRequest,
} from './connect-messages.ts';

/** A listener whose queue is full leaves a connection waiting for minutes. */
const connectWithinMs = 10_000;

const uid = Number(process.argv[2] ?? 0);
if (uid > 0 && process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
process.on('disconnect', () => process.exit());
process.on('message', (request) => {
  if (!isConnectRequest(request)) return;
  if (request.listen) listen(request);
  else open(request);
});
say({ kind: 'ready', network: readlinkSync('/proc/self/ns/net') });

function open({ id, port }: ConnectRequest): void {
  const socket = connect({ host: '127.0.0.1', port });
  // Else the first bytes would be read here and be lost.
  socket.pause();
  socket.setTimeout(connectWithinMs, () => {
    socket.destroy(Object.assign(new Error('nobody accepts'), { code: 'ETIMEDOUT' }));
  });
  const failed = (error: NodeJS.ErrnoException): void => {
    say({ kind: 'failed', id, code: error.code ?? 'EIO' });
  };
  socket.once('error', failed);
  socket.once('connect', () => {
    socket.setTimeout(0);
    socket.off('error', failed);
    const message: ConnectorMessage = { kind: 'connected', id };
    process.send?.(message, socket, {}, (error) => error && process.exit(1));
  });
}

function listen({ id, port }: ConnectRequest): void {
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => {
    say({ kind: 'failed', id, code: error.code ?? 'EIO' });
  });
  server.listen(port, '127.0.0.1', () => {
    const message: ConnectorMessage = { kind: 'listening', id };
    // Closed before this process could accept one: what connects meanwhile waits for the host in the kernel's queue.
    process.send?.(message, server, {}, (error) => {
      server.close();
      if (error) process.exit(1);
    });
  });
}

function say(message: ConnectorMessage): void {
  process.send?.(message, undefined, {}, (error) => error && process.exit(1));
}
