import { randomUUID } from 'node:crypto';
import {
  type Command,
  type DriverTerminal,
  type ExitStatus,
  SandboxError,
  type Signal,
  type TerminalSize,
} from '@gantry/core/driver';
import { shell, streams } from '@gantry/core/node';
import { WebSocket } from 'ws';
import { explained } from './absence.ts';
import { commandLine } from './command-line.ts';
import { sessionIsOver } from './errors.ts';
import type { VercelHandle } from './handle.ts';
import { BeginMark } from './marked-output.ts';
import type { VendorAccess } from './options.ts';
import { runSandboxScript } from './sandbox-script.ts';

const endOfInput = new Uint8Array([0x04]);

/** Opens a terminal over the vendor's WebSocket, for which its SDK has no client. */
export async function openTerminal(
  access: VendorAccess,
  handle: VercelHandle,
  command: Omit<Command, 'stdin'>,
  { columns: cols, rows }: TerminalSize,
): Promise<DriverTerminal> {
  const mark = randomUUID();
  const { cmd, args, env, cwd, sudo } = commandLine(command, mark, { terminal: true });
  const socket = await connect(access, handle);
  const terminal = new FollowedTerminal(socket, new BeginMark(mark));
  handle.followed.add(terminal.lose);
  void terminal.over.then(() => handle.followed.delete(terminal.lose));
  // Here the vendor has no root to ask for, so the image's own is asked.
  const words = sudo ? ['-n', '-E', '--', cmd, ...args] : args;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  socket.send(
    JSON.stringify({
      ...{ type: 'start', command: sudo ? 'sudo' : cmd, args: words, env: variables },
      ...{ cwd, cols, rows },
    }),
  );
  const pid = await terminal.begin.begun;
  return {
    output: terminal.output.readable,
    exit: terminal.exit,
    input: new WritableStream<Uint8Array>({
      write: (chunk) => terminal.send(chunk),
      close: () => terminal.send(endOfInput),
    }),
    async resize({ columns, rows: lines }) {
      await terminal.send(JSON.stringify({ type: 'resize', cols: columns, rows: lines }));
    },
    async kill(signal: Signal = 'SIGKILL') {
      if (terminal.ended) return;
      const leader = [signal.slice(3), String(pid)];
      try {
        await runSandboxScript(handle, shell.terminalKillScript, leader, { sudo: sudo ?? false });
      } catch (error) {
        // With its session everything that it ran has ended.
        if (!SandboxError.is(error) || !sessionIsOver(error.cause)) throw error;
      }
    },
  };
}

async function connect(access: VendorAccess, handle: VercelHandle): Promise<WebSocket> {
  let address: { readonly url: string; readonly token: string };
  try {
    address = await handle.sandbox.currentSession().openInteractive();
  } catch (error) {
    throw await explained(error, handle, access);
  }
  const socket = new WebSocket(`${address.url}?token=${encodeURIComponent(address.token)}`);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (cause) => reject(lost('the terminal cannot be reached', cause)));
  });
  return socket;
}

/** What is known of a terminal from its connection. */
class FollowedTerminal {
  readonly output: streams.OutputStream = new streams.OutputStream();
  readonly exit: Promise<ExitStatus>;
  readonly over: Promise<unknown>;
  readonly begin: BeginMark;
  ended = false;
  readonly #exit = Promise.withResolvers<ExitStatus>();
  readonly #socket: WebSocket;
  #begun = false;

  constructor(socket: WebSocket, begin: BeginMark) {
    this.#socket = socket;
    this.begin = begin;
    this.exit = this.#exit.promise;
    this.over = this.exit.then(
      () => undefined,
      () => undefined,
    );
    void begin.begun.then(
      () => (this.#begun = true),
      () => socket.terminate(),
    );
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#show(data);
      else this.#hear(data.toString());
    });
    socket.on('error', (error) => this.lose(error));
    socket.on('close', () => this.lose(new Error('the connection was closed')));
  }

  async send(data: Uint8Array | string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** What was not told by now never will be. */
  readonly lose = (cause: Error): void => {
    if (this.ended) return;
    const error = lost('how the terminal ended was not told', cause);
    this.begin.lose(error);
    this.#exit.reject(error);
    this.output.fail(error);
    this.#socket.terminate();
  };

  #show(bytes: Buffer): void {
    // The mark is plain text, so a character that is cut in two can only come after it.
    const own = this.#begun
      ? bytes
      : Buffer.from(this.begin.take(bytes.toString('latin1')), 'latin1');
    const room = this.output.push(new Uint8Array(own));
    this.#socket.pause();
    void room.then(() => this.#socket.resume());
  }

  #hear(text: string): void {
    const word: unknown = JSON.parse(text);
    const isExit =
      typeof word === 'object' && word !== null && 'type' in word && word.type === 'exit';
    if (!isExit || !('code' in word) || typeof word.code !== 'number') return;
    this.ended = true;
    this.begin.lose(lost('the terminal ended before its command began'));
    this.#exit.resolve({ code: word.code });
    this.output.end();
  }
}

function lost(what: string, cause?: unknown): SandboxError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new SandboxError('unavailable', `${what}${reason}`, { outcome: 'unknown', cause });
}
