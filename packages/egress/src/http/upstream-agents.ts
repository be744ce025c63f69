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
  /** For requests that came by HTTP/2. */
  readonly sessions: HostSessions = new HostSessions(async (host, port) =>
    this.secure(host, await this.#dial(host, port), ['h2', 'http/1.1']),
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
      const socket = await this.#dial(target.host, target.port);
      callback?.(null, await finish(target.host, socket));
    } catch (error) {
      callback?.(error instanceof Error ? error : new Error(String(error)), nothing);
    }
  }

  /** Speaks TLS on a connection to a host, and believes it only with a certificate for that host. */
  async secure(host: Host, socket: Socket, protocols: readonly string[]): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        host: host.text,
        ALPNProtocols: [...protocols],
        minVersion: 'TLSv1.2',
        ...(host.address === undefined ? { servername: host.text } : {}),
        ...(this.#trusted === undefined ? {} : { secureContext: this.#trusted }),
      });
      const timer = setTimeout(
        () => secured.destroy(new Error('the host does not speak TLS')),
        handshakeMs,
      );
      secured.once('close', () => clearTimeout(timer));
      secured.once('error', reject);
      secured.once('secureConnect', () => {
        clearTimeout(timer);
        secured.off('error', reject);
        resolve(secured);
      });
    });
  }
}
