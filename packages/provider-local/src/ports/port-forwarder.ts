import { createServer, type Server, type Socket } from 'node:net';
import type { Call, Endpoint } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core/driver';
import { guestNetwork, hostProcess, type ProcessIdentity } from '@gantry/core/node';

/** How often the forwarding looks whether its sandbox still lives. */
const lookEveryMs = 1_000;

/**
 * Ports of one sandbox on 127.0.0.1 of the host, for as long as this process has the sandbox: the
 * listeners are here, and each connection is opened from within the sandbox's own network.
 */
export class PortForwarder {
  readonly #main: ProcessIdentity;
  readonly #uid: number | undefined;
  readonly #servers = new Map<number, Promise<Server>>();
  readonly #sockets = new Set<Socket>();
  #entry: guestNetwork.NetworkEntry | undefined;
  #connector: guestNetwork.Connector | undefined;
  #look: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(main: ProcessIdentity, uid: number | undefined) {
    this.#main = main;
    this.#uid = uid;
  }

  /** Where the port is reached from the host. The same place each time. */
  async expose(port: number, call: Call): Promise<Endpoint> {
    this.#entry ??= await guestNetwork.findNetworkEntry();
    if (!this.#entry)
      throw new SandboxError('failed-precondition', guestNetwork.withoutNetworkEntry);
    await this.#connect(this.#entry).ready();
    call.signal.throwIfAborted();
    if (this.#closed) throw new SandboxError('failed-precondition', 'the sandbox was released');
    let listening = this.#servers.get(port);
    if (!listening) {
      listening = this.#listen(port, this.#entry);
      this.#servers.set(port, listening);
      // One that failed may be tried again.
      listening.catch(() => this.#servers.delete(port));
    }
    const address = (await listening).address();
    if (address === null || typeof address === 'string') {
      throw new SandboxError('unavailable', `port ${port} is no longer forwarded`);
    }
    return { url: `http://127.0.0.1:${address.port}`, headers: {} };
  }

  /** Ends all of it, connections too. Idempotent. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#look);
    this.#connector?.close();
    for (const socket of this.#sockets) socket.destroy();
    for (const listening of this.#servers.values()) {
      listening.then(
        (server) => server.close(),
        () => undefined,
      );
    }
    this.#servers.clear();
  }

  #connect(entry: guestNetwork.NetworkEntry): guestNetwork.Connector {
    if (!this.#connector || this.#connector.ended) {
      this.#connector = new guestNetwork.Connector(this.#main, this.#uid, entry);
    }
    return this.#connector;
  }

  async #listen(port: number, entry: guestNetwork.NetworkEntry): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      void this.#forward(client, port, entry);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    // A connection that could not be taken is its client's to notice.
    server.on('error', () => undefined);
    server.unref();
    this.#look ??= setInterval(
      () => hostProcess.isRunning(this.#main) || this.close(),
      lookEveryMs,
    ).unref();
    if (this.#closed) server.close();
    return server;
  }

  async #forward(client: Socket, port: number, entry: guestNetwork.NetworkEntry): Promise<void> {
    this.#track(client);
    client.on('error', () => client.destroy());
    let inside: Socket;
    try {
      inside = await this.#connect(entry).connect(port);
    } catch {
      // Nobody listens, or the sandbox is gone: a reset says so to any client.
      client.resetAndDestroy();
      return;
    }
    this.#track(inside);
    if (client.destroyed || this.#closed) {
      client.destroy();
      inside.resetAndDestroy();
      return;
    }
    join(client, inside);
    join(inside, client);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Passes bytes one way; the end of one is the end of the other's input, and a failure is passed on too. */
function join(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  from.on('error', () => {
    if (!to.destroyed) to.resetAndDestroy();
  });
  from.once('close', () => {
    // Closed before its end: the rest is lost.
    if (!from.readableEnded && !to.destroyed) to.resetAndDestroy();
  });
  from.pipe(to);
}
