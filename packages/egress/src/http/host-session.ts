import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { overHttp2 } from './http2-request.ts';
import type { UpstreamRequest } from './upstream-request.ts';

const idleMs = 30_000;
/** Whatever more a host would take goes to another connection. */
const mostStreams = 100;
/** What a host may send before the sandbox has read it: as much as a long way takes at once. */
const streamWindow = 1024 * 1024;
const sessionWindow = 16 * 1024 * 1024;

/** One connection to a host that speaks HTTP/2, for many requests at a time. Ends itself when none has used it for a while. */
export class HostSession {
  readonly #session: ClientHttp2Session;
  #taken = 0;
  #used = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(authority: string, socket: TLSSocket, onClose: (session: HostSession) => void) {
    const session = connect(`https://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindow },
    });
    this.#session = session;
    session.once('connect', () => session.setLocalWindowSize(sessionWindow));
    // What it means for a request, the request's stream tells.
    session.on('error', () => session.destroy());
    session.once('close', () => {
      clearTimeout(this.#idle);
      onClose(this);
    });
    this.#rest();
  }

  /** Whether one more request may be sent. */
  get hasRoom(): boolean {
    if (this.#ended) return false;
    const { maxConcurrentStreams = mostStreams } = this.#session.remoteSettings;
    return this.#taken === 0 || this.#taken < Math.min(maxConcurrentStreams, mostStreams);
  }

  get #ended(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /** Keeps room for one request, which `request` uses or `giveBack` frees. */
  take(): void {
    clearTimeout(this.#idle);
    this.#taken += 1;
  }

  giveBack(): void {
    this.#taken -= 1;
    if (this.#taken === 0) this.#rest();
  }

  /** Sends a request's headers. Throws for what cannot be sent; the room is free again then. */
  request(headers: OutgoingHttpHeaders, endStream: boolean): UpstreamRequest {
    const reused = this.#used;
    this.#used = true;
    // Closing a stream would end its body first, and half a request must not look like a whole one.
    const cancelled = new AbortController();
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headers, { endStream, signal: cancelled.signal });
    } catch (error) {
      this.giveBack();
      throw error;
    }
    stream.once('close', () => this.giveBack());
    return overHttp2(stream, {
      cancel: () => cancelled.abort(),
      stale: () => reused && this.#ended,
    });
  }

  /** Takes no more requests; what is under way goes on. */
  retire(): void {
    this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }

  #rest(): void {
    this.#idle = setTimeout(() => this.retire(), idleMs);
    this.#idle.unref();
  }
}
