import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server } from 'socket.io';
import type { EmulatorContext } from '../chassis/emulator.ts';

/** Where the vendor's clients look for events. */
export const eventsPath = '/api/socket.io/';

/** What is pushed to clients, so that they need not ask again and again. */
export class Events {
  /** Never listens: upgrades are handed to it. */
  readonly #http = createServer();
  readonly #io: Server;

  constructor(context: EmulatorContext) {
    this.#io = new Server(this.#http, {
      path: eventsPath,
      transports: ['websocket'],
      serveClient: false,
    });
    this.#io.use((socket, next) => {
      const { token } = socket.handshake.auth;
      if (context.isKey(typeof token === 'string' ? token : undefined)) next();
      else next(new Error('Unauthorized'));
    });
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#http.emit('upgrade', request, socket, head);
  }

  created(sandbox: object): void {
    this.#io.emit('sandbox.created', sandbox);
  }

  stateUpdated(sandbox: object, oldState: string, newState: string): void {
    this.#io.emit('sandbox.state.updated', { sandbox, oldState, newState });
  }

  async close(): Promise<void> {
    await this.#io.close();
  }
}
