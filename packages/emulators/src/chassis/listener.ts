import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createSecureServer,
  createServer as createHttp2,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A request, whichever version of HTTP brought it. */
export type WireRequest = IncomingMessage | Http2ServerRequest;
/** The answer to a `WireRequest`. */
export type WireResponse = ServerResponse | Http2ServerResponse;

/** Certificate and key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a listener hands its traffic to. */
export interface Traffic {
  readonly request: (request: WireRequest, response: WireResponse) => void;
  /** A client wants to leave HTTP for another protocol, WebSocket mostly. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

const tlsHandshake = 0x16;
const http2Preface = 'PRI * HTTP/2';

/**
 * One port of 127.0.0.1 that speaks HTTP/1.1 and HTTP/2 in plain text and, with a certificate, both
 * over TLS: the first bytes of a connection decide. `close` ends every connection.
 */
export class Listener {
  readonly #tcp: Server;
  readonly #sockets = new Set<Socket>();

  #traffic: Traffic | undefined;

  constructor(certificate?: Certificate) {
    const take = (request: WireRequest, response: WireResponse): void => {
      if (this.#traffic) this.#traffic.request(request, response);
      else request.socket.destroy();
    };
    const http = createHttp({ keepAliveTimeout: 60_000, requestTimeout: 0 }, take);
    const http2 = createHttp2({}, take);
    const https = certificate && createSecureServer({ ...certificate, allowHTTP1: true }, take);
    for (const server of [http, https]) {
      server?.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (this.#traffic) this.#traffic.upgrade(request, socket, head);
        else socket.destroy();
      });
    }
    this.#tcp = createTcp({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      // A client that goes away in the middle is its own affair; the request's handler is told.
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.#sockets.delete(socket));
      socket.once('readable', () => {
        const first: unknown = socket.read();
        if (!Buffer.isBuffer(first)) {
          socket.destroy();
          return;
        }
        socket.unshift(first);
        const plain = first.toString('latin1', 0, http2Preface.length) === http2Preface;
        const server = first[0] === tlsHandshake ? https : plain ? http2 : http;
        if (server) server.emit('connection', socket);
        else socket.destroy();
      });
    });
  }

  /** Listens on the port, or on a free one for 0, and returns it. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen(port, '127.0.0.1', resolve);
    });
    const address = this.#tcp.address();
    if (address === null || typeof address === 'string')
      throw new Error('the listener has no port');
    return address.port;
  }

  /** From now on requests are handed over; those before are dropped. */
  serve(traffic: Traffic): void {
    this.#traffic = traffic;
  }

  /** Takes no more connections, and ends those that there are. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#tcp.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
