import { exitNumber, type Sandbox, type Terminal, type TerminalSize } from '@gantry/core';
import type { WebSocket } from 'ws';
import { OutputFlow } from '../../chassis/output-flow.ts';
import { ApiError } from '../api-error.ts';

/** How a terminal is opened. */
export interface TerminalRequest {
  readonly id: string;
  readonly size: TerminalSize;
  readonly cwd: string;
  readonly envs: Readonly<Record<string, string>>;
}

/** A terminal and those who look at it. */
class OpenTerminal {
  readonly request: TerminalRequest;
  readonly createdAt: Date = new Date();
  size: TerminalSize;
  readonly terminal: Terminal;
  readonly #sockets = new Set<WebSocket>();
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #begin = Promise.withResolvers<void>();
  readonly #flow = new OutputFlow();

  constructor(request: TerminalRequest, terminal: Terminal, over: () => void) {
    this.request = request;
    this.size = request.size;
    this.terminal = terminal;
    this.#input = terminal.input.getWriter();
    this.#input.closed.catch(() => undefined); // A write that fails tells.
    void this.#live().then(over);
  }

  /** Shows it to a client, which types into it. Nothing is read before the first one looks. */
  attach(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.send(JSON.stringify({ type: 'control', status: 'connected' }));
    socket.on('message', (data: Buffer) => {
      // One that has ended takes no more, which its exit tells.
      this.#input.write(new Uint8Array(data)).catch(() => undefined);
    });
    socket.once('close', () => this.#sockets.delete(socket));
    this.#begin.resolve();
  }

  interrupt(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async #live(): Promise<void> {
    await this.#begin.promise;
    const shown = this.#show();
    shown.catch(() => undefined); // The exit tells of a lost link.
    try {
      const exit = await this.terminal.exit;
      await this.#flow.untilQuiet(shown);
      const exitCode = exitNumber(exit) ?? -1;
      const reason = exitCode === 0 ? {} : { exitReason: exit.signal ?? 'exited' };
      const told = { exitCode, ...reason };
      for (const socket of this.#sockets) {
        socket.send(JSON.stringify({ type: 'control', status: 'exited', ...told }));
        socket.close(exitCode === 0 ? 1000 : 1011, JSON.stringify(told));
      }
    } catch {
      // How it ended is not known, so no end is told.
      this.interrupt();
    }
  }

  async #show(): Promise<void> {
    for await (const bytes of this.terminal.output) {
      const sent = [...this.#sockets].map(
        (socket) => new Promise<void>((resolve) => socket.send(bytes, () => resolve())),
      );
      await this.#flow.pass(Promise.all(sent));
    }
  }
}

/** The terminals of one sandbox, by the ids that its clients gave them. */
export class Terminals {
  readonly #terminals = new Map<string, OpenTerminal>();
  /** Ids of those that are being opened. */
  readonly #opening = new Set<string>();

  /** Throws the vendor's 409 for an id that is taken. */
  async open(
    sandbox: Sandbox,
    request: TerminalRequest,
    env: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { id, size, cwd, envs } = request;
    if (this.#terminals.has(id) || this.#opening.has(id)) {
      throw new ApiError(409, `PTY session ${id} already exists`);
    }
    this.#opening.add(id);
    try {
      const terminal = await sandbox.terminal({
        ...{ command: ['/bin/bash', '-i'], cwd, size },
        env: { ...env, TERM: 'xterm-256color', ...envs },
      });
      const opened = new OpenTerminal(request, terminal, () => {
        if (this.#terminals.get(id) === opened) this.#terminals.delete(id);
      });
      this.#terminals.set(id, opened);
    } finally {
      this.#opening.delete(id);
    }
  }

  attach(id: string, socket: WebSocket): void {
    this.#get(id).attach(socket);
  }

  list(): readonly object[] {
    return [...this.#terminals.values()].map(view);
  }

  info(id: string): object {
    return view(this.#get(id));
  }

  async resize(id: string, size: TerminalSize): Promise<object> {
    const found = this.#get(id);
    await found.terminal.resize(size);
    found.size = size;
    return view(found);
  }

  async kill(id: string): Promise<void> {
    const found = this.#get(id);
    await found.terminal.kill('SIGKILL');
    this.#terminals.delete(id);
  }

  /** They are gone: the sandbox was stopped. */
  forget(): void {
    this.interrupt();
    this.#terminals.clear();
  }

  /** Whoever looks at one loses it. */
  interrupt(): void {
    for (const terminal of this.#terminals.values()) terminal.interrupt();
  }

  #get(id: string): OpenTerminal {
    const found = this.#terminals.get(id);
    if (found) return found;
    throw new ApiError(404, `PTY session ${id} not found`);
  }
}

function view({ request, size, createdAt }: OpenTerminal): object {
  return {
    ...{ id: request.id, cols: size.columns, rows: size.rows, cwd: request.cwd },
    ...{ envs: request.envs, createdAt: createdAt.toISOString(), active: true, lazyStart: false },
  };
}
