import type { Server, Socket } from 'node:net';
import type { Call } from '../../contract/call.ts';
import type { Interception, InterceptOptions, OnConnection } from '../../contract/interception.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { isRunning, type ProcessIdentity } from '../process-identity.ts';
import { Connector } from './connector.ts';
import { findNetworkEntry, withoutNetworkEntry } from './network-entry.ts';

/** How often an interception looks whether its sandbox still lives. */
const lookEveryMs = 1_000;

/** The network that is entered. */
export interface InterceptedNetwork {
  /** A process in it, with which the interception ends. */
  readonly main: ProcessIdentity;
  /** What listens, where this process is root: the sandbox's own uid. Default: root. */
  readonly uid?: number | undefined;
}

/**
 * `network.intercept` of one handle, for sandboxes whose processes are this machine's: each listener is made by a process that
 * is in the sandbox's network for that moment only, and accepts in this one.
 */
export class Interceptor {
  readonly #closed = new AbortController();
  readonly #open = new Set<Interception>();

  /** Rejects with `already-exists` where the port is taken, `failed-precondition` where the network cannot be entered. */
  async intercept(
    { main, uid }: InterceptedNetwork,
    { port = 0 }: InterceptOptions,
    onConnection: OnConnection,
    call: Pick<Call, 'signal'>,
  ): Promise<Interception> {
    const signal = AbortSignal.any([call.signal, this.#closed.signal]);
    signal.throwIfAborted();
    const entry = await findNetworkEntry();
    if (!entry) throw new SandboxError('failed-precondition', withoutNetworkEntry);
    const connector = new Connector(main, uid, entry);
    const stop = (): void => connector.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await connector.ready();
      const server = await connector.listen(port);
      const interception = new PortInterception(main, server, onConnection);
      this.#open.add(interception);
      void interception.closed.then(() => this.#open.delete(interception));
      if (signal.aborted) await interception.close();
      signal.throwIfAborted();
      return interception;
    } catch (error) {
      signal.throwIfAborted();
      throw listenError(error, port);
    } finally {
      signal.removeEventListener('abort', stop);
      connector.close();
    }
  }

  /** Ends all of them. Idempotent. */
  close(): void {
    this.#closed.abort(
      new SandboxError('failed-precondition', 'the sandbox was released: it is not intercepted'),
    );
    for (const interception of this.#open) void interception.close();
  }
}

class PortInterception implements Interception {
  readonly port: number;
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #look: NodeJS.Timeout;
  readonly #ended = Promise.withResolvers<void>();

  constructor(main: ProcessIdentity, server: Server, onConnection: OnConnection) {
    this.#server = server;
    this.closed = this.#ended.promise;
    const address = server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    // What `net.createServer` sets: a listener that came from elsewhere has the defaults.
    Object.assign(server, { allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.on('connection', (socket) => this.#take(socket, onConnection));
    // A connection that could not be taken is its client's to notice.
    server.on('error', () => undefined);
    server.unref();
    this.#look = setInterval(() => isRunning(main) || void this.close(), lookEveryMs).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#look);
    this.#server.close();
    // They would keep the network of a sandbox that is gone.
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#ended.resolve();
  }

  #take(socket: Socket, onConnection: OnConnection): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // Whoever has it may listen too; a client that goes away must never end this process.
    socket.on('error', () => socket.destroy());
    try {
      onConnection(socket);
    } catch (error) {
      socket.resetAndDestroy();
      process.emitWarning(`a connection of a sandbox was refused: ${String(error)}`);
    }
  }
}

function listenError(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (SandboxError.is(error) || typeof code !== 'string') return error;
  if (code === 'EADDRINUSE') {
    return new SandboxError('already-exists', `port ${port} of the sandbox is in use`, {
      details: { reason: 'port-in-use', port },
      cause: error,
    });
  }
  const message = `port ${port} of the sandbox cannot be listened on: ${code}`;
  return new SandboxError('unavailable', message, { cause: error });
}
