import { Agent as HttpAgent, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { type Host, readAuthority } from '../policy/host-name.ts';
import { HostSessions } from './host-sessions.ts';

type Dialer = (host: Host, port: number) => Promise<Socket>;
type Connected = (error: Error | null, socket: Duplex) => void;

const idleMs = 30_000;
const handshakeMs = 30_000;

/** Connections of one session to hosts, kept open between requests. Each is made by the session's own dialer. */
export class UpstreamAgents {
  readonly #dial: Dialer;
  /** Absent: what Node trusts. */
  readonly #trusted: SecureContext | undefined;
  #http: HttpAgent;
  #https: HttpsAgent;
  /** Connections that nobody has yet. */
  readonly #opening = new Set<Socket>();
  #closed = false;
  /** For requests that came by HTTP/2. */
  readonly sessions: HostSessions = new HostSessions((host, port) =>
    this.#open(host, port, (socket) => this.secure(host, socket, ['h2', 'http/1.1'])),
  );

  constructor(dialer: Dialer, authorities: readonly string[]) {
    this.#dial = dialer;
    this.#trusted =
      authorities.length === 0
        ? undefined
        : createSecureContext({ ca: [...getCACertificates('default'), ...authorities] });
    this.#http = this.#plain();
    this.#https = this.#secure();
  }

  /** For requests to a host in this scheme. */
  agent(scheme: 'http' | 'https'): HttpAgent {
    return scheme === 'https' ? this.#https : this.#http;
  }

  /** Uses no connection again that is open now; what is under way on one goes on. */
  reset(): void {
    const old = [this.#http, this.#https];
    this.#http = this.#plain();
    this.#https = this.#secure();
    // An agent drops what is idle when it is told to keep nothing, and closes the rest as it becomes idle.
    for (const agent of old) {
      agent.maxFreeSockets = 0;
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
    this.sessions.reset();
  }

  /** Cuts every connection. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#opening) socket.destroy();
    this.#http.destroy();
    this.#https.destroy();
    this.sessions.close();
  }

  #plain(): HttpAgent {
    const agent = new HttpAgent({ keepAlive: true, timeout: idleMs, scheduling: 'lifo' });
    agent.createConnection = (options: ClientRequestArgs, callback?: Connected) => {
      void this.#connect(options, callback, async (_host, socket) => Promise.resolve(socket));
      return undefined;
    };
    return agent;
  }

  #secure(): HttpsAgent {
    const agent = new HttpsAgent({ keepAlive: true, timeout: idleMs, scheduling: 'lifo' });
    agent.createConnection = (options: ClientRequestArgs, callback?: Connected) => {
      void this.#connect(options, callback, (host, socket) =>
        this.secure(host, socket, ['http/1.1']),
      );
      return undefined;
    };
    return agent;
  }

  async #connect(
    { host, port }: ClientRequestArgs,
    callback: Connected | undefined,
    finish: (host: Host, socket: Socket) => Promise<Duplex>,
  ): Promise<void> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node calls back with an error alone
    const nothing = undefined as unknown as Duplex;
    const target = readAuthority(
      String(host).includes(':') ? `[${host}]` : String(host),
      Number(port),
    );
    try {
      if (target === undefined) throw new Error(`${String(host)} is no host`);
      const { host: known, port: open } = target;
      callback?.(null, await this.#open(known, open, (socket) => finish(known, socket)));
    } catch (error) {
      callback?.(error instanceof Error ? error : new Error(String(error)), nothing);
    }
  }

  /** A connection that is cut with the others, also before it is finished. */
  async #open<Finished extends Duplex>(
    host: Host,
    port: number,
    finish: (socket: Socket) => Promise<Finished>,
  ): Promise<Finished> {
    const socket = await this.#dial(host, port);
    this.#opening.add(socket);
    socket.once('close', () => this.#opening.delete(socket));
    if (this.#closed) socket.destroy();
    const finished = await finish(socket);
    this.#opening.delete(socket);
    return finished;
  }

  /** Speaks TLS on a connection to a host, and believes it only with a certificate for that host. */
  async secure(host: Host, socket: Socket, protocols: readonly string[]): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        host: host.text,
        ALPNProtocols: [...protocols],
        minVersion: 'TLSv1.2',
        // Said here, since a variable of the process may say otherwise.
        rejectUnauthorized: true,
        ...(host.address === undefined ? { servername: host.text } : {}),
        ...(this.#trusted === undefined ? {} : { secureContext: this.#trusted }),
      });
      const late = (): void => void secured.destroy(new Error('the host ended no handshake'));
      const timer = setTimeout(late, handshakeMs);
      secured.once('close', () => {
        clearTimeout(timer);
        reject(new Error('the host closed the connection'));
      });
      secured.once('error', reject);
      secured.once('secureConnect', () => {
        clearTimeout(timer);
        secured.off('error', reject);
        resolve(secured);
      });
    });
  }
}
