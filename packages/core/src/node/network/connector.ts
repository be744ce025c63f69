import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { Server, Socket } from 'node:net';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { isRunning, type ProcessIdentity } from '../process-identity.ts';
import { siblingScript } from '../sibling-script.ts';
import {
  type ConnectorMessage,
  type ConnectRequest,
  isConnectorMessage,
} from './connect-messages.ts';
import type { NetworkEntry } from './network-entry.ts';

const startWithinMs = 30_000;

/**
 * A small process in the network of a sandbox that opens connections, and listens, there. The sockets are this
 * process's own, so no byte passes through it. It ends with `close`, and with this process.
 */
export class Connector {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<Socket | Server>>();
  readonly #ready = Promise.withResolvers<void>();
  #said = '';
  #count = 0;
  #ended = false;

  /** `uid`: what it changes to once it is there, where this process is root. */
  constructor(main: ProcessIdentity, uid: number | undefined, entry: NetworkEntry) {
    const script = [
      process.execPath,
      siblingScript(import.meta.url, 'connector-main'),
      String(uid ?? 0),
    ];
    const [program, ...args] = entry.commandLine(main.pid, script);
    this.#child = spawn(program, args, {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#ready.promise.catch(() => undefined);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#said.length < 2_000) this.#said += text;
    });
    this.#child.once('error', (error) => this.#end(error.message));
    this.#child.once('close', () => this.#end(this.#said.trim() || 'it ended'));
    this.#child.on('message', (message, handle) => {
      if (isConnectorMessage(message)) this.#receive(message, main, handle);
    });
    const late = setTimeout(() => this.#end('it did not start in time'), startWithinMs);
    void this.#ready.promise.then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    );
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves once it is in the network of that very sandbox. Rejects with `unavailable`. */
  async ready(): Promise<void> {
    await this.#ready.promise;
    this.#rest();
  }

  /** A connection to a port of the sandbox. Rejects, without delay, where nobody listens. */
  async connect(port: number): Promise<Socket> {
    const socket = await this.#ask({ port });
    if (socket instanceof Socket) return socket;
    throw this.#unavailable('it answered something else');
  }

  /** A listener on a port of the sandbox's loopback address, which accepts in this process; 0 is any that is free. */
  async listen(port: number): Promise<Server> {
    const server = await this.#ask({ port, listen: true });
    if (server instanceof Server) return server;
    throw this.#unavailable('it answered something else');
  }

  /** Ends it. Connections that it has opened stay. Idempotent. */
  close(): void {
    this.#end('it was closed');
  }

  async #ask(request: Omit<ConnectRequest, 'id'>): Promise<Socket | Server> {
    await this.#ready.promise;
    if (this.#ended) throw this.#unavailable('it ended');
    const id = (this.#count += 1);
    const waiting = Promise.withResolvers<Socket | Server>();
    this.#waiting.set(id, waiting);
    this.#child.channel?.ref();
    const sent: ConnectRequest = { id, ...request };
    this.#child.send(sent, (error) => error && this.#end(error.message));
    return waiting.promise;
  }

  #receive(message: ConnectorMessage, main: ProcessIdentity, handle: unknown): void {
    if (message.kind === 'ready') {
      // The process id may have become another process's before the connector was there.
      if (isRunning(main) && message.network === networkOf(main.pid)) this.#ready.resolve();
      else this.#end('the sandbox has ended');
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'connected' && handle instanceof Socket) {
      handle.allowHalfOpen = true;
      if (waiting) waiting.resolve(handle);
      else handle.destroy();
    } else if (message.kind === 'listening' && handle instanceof Server) {
      if (waiting) waiting.resolve(handle);
      else handle.close();
    } else {
      const code = message.kind === 'failed' ? message.code : 'EPIPE';
      waiting?.reject(Object.assign(new Error(`the port answered ${code}`), { code }));
    }
    this.#rest();
  }

  /** Lets this process end while nobody waits for a connection. */
  #rest(): void {
    if (this.#waiting.size > 0) return;
    this.#child.unref();
    this.#child.channel?.unref();
    const { stderr } = this.#child;
    if (stderr instanceof Socket) stderr.unref();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const error = this.#unavailable(reason);
    this.#ready.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#child.kill('SIGKILL');
    if (this.#child.connected) this.#child.disconnect();
    this.#rest();
  }

  #unavailable(reason: string): SandboxError {
    return new SandboxError(
      'unavailable',
      `the network of the sandbox cannot be reached: ${reason}`,
    );
  }
}

function networkOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // The sandbox has ended meanwhile.
    return undefined;
  }
}
