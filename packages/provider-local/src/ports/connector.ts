import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity, siblingScript } from '@gantry/core/node';
import {
  type ConnectorMessage,
  type ConnectRequest,
  isConnectorMessage,
} from './connect-messages.ts';
import type { NetworkEntry } from './enter-network.ts';

const startWithinMs = 30_000;

/**
 * A small process in the network of a sandbox that opens connections there. The sockets are this
 * process's own, so no byte passes through it. It ends with `close`, and with this process.
 */
export class Connector {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<Socket>>();
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
    await this.#ready.promise;
    if (this.#ended) throw this.#unavailable('it ended');
    const id = (this.#count += 1);
    const waiting = Promise.withResolvers<Socket>();
    this.#waiting.set(id, waiting);
    this.#child.channel?.ref();
    const request: ConnectRequest = { id, port };
    this.#child.send(request, (error) => error && this.#end(error.message));
    return waiting.promise;
  }

  /** Ends it. Connections that it has opened stay. Idempotent. */
  close(): void {
    this.#end('it was closed');
  }

  #receive(message: ConnectorMessage, main: ProcessIdentity, handle: unknown): void {
    if (message.kind === 'ready') {
      // The process id may have become another process's before the connector was there.
      if (hostProcess.isRunning(main) && message.network === networkOf(main.pid))
        this.#ready.resolve();
      else this.#end('the sandbox has ended');
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'connected' && handle instanceof Socket) {
      handle.allowHalfOpen = true;
      if (waiting) waiting.resolve(handle);
      else handle.destroy();
    } else {
      const code = message.kind === 'failed' ? message.code : 'EPIPE';
      waiting?.reject(Object.assign(new Error(`connect ${code}`), { code }));
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
