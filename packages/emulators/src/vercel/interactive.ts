import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { exitNumber, type Terminal } from '@gantry/core';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import { sameText } from '../chassis/same-text.ts';
import { Turns } from '../chassis/turns.ts';
import { OutputFlow } from '../chassis/output-flow.ts';
import { ApiError } from './api-error.ts';
import type { VercelSandboxes } from './sandboxes.ts';
import type { VercelSession } from './vercel-sandbox.ts';
import { terminalFrame } from './wire-bodies.ts';

type Frame = z.infer<typeof terminalFrame>;

/** Terminals over WebSockets: one for each connection, which begins with what to run. */
export class InteractiveSockets {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #sandboxes: VercelSandboxes;

  constructor(sandboxes: VercelSandboxes) {
    this.#sandboxes = sandboxes;
  }

  /** Takes a connection over. Throws the vendor's error where there is nothing to connect to. */
  upgrade(place: URL, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [, id = ''] = /^\/interactive\/([^/]+)$/.exec(place.pathname) ?? [];
    const session = this.#sandboxes.runningSession(id);
    const token = place.searchParams.get('token') ?? '';
    if (!sameText(token, session.interactiveToken)) {
      throw new ApiError(401, 'unauthorized', 'The token is not that of the session.');
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      client.on('error', () => client.terminate());
      const interruption = session.real.onInterruption(() => client.terminate());
      client.once('close', () => interruption[Symbol.dispose]());
      new ServedTerminal(client, session).serve();
    });
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}

/** One terminal and the connection that it lives by. */
class ServedTerminal {
  readonly #client: WebSocket;
  readonly #session: VercelSession;
  #terminal: Promise<Terminal> | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** Frames are taken in the order in which they came. */
  readonly #turns = new Turns();
  readonly #flow = new OutputFlow();

  constructor(client: WebSocket, session: VercelSession) {
    this.#client = client;
    this.#session = session;
  }

  serve(): void {
    this.#client.on('message', (data: RawData, isBinary) => {
      const turn = this.#turns.run(() => this.#hear(bytesOf(data), isBinary));
      turn.catch(() => this.#client.terminate());
    });
    // Whoever typed is gone: the vendor hangs up too.
    this.#client.once('close', () => {
      void this.#terminal?.then((terminal) => terminal.kill('SIGHUP')).catch(() => undefined);
    });
  }

  async #hear(data: Buffer, isBinary: boolean): Promise<void> {
    if (isBinary) {
      // One that has ended takes no more, which its exit tells.
      await this.#input?.write(new Uint8Array(data)).catch(() => undefined);
      return;
    }
    const frame = terminalFrame.parse(JSON.parse(data.toString()));
    if (frame.type === 'resize') {
      const { cols: columns, rows } = frame;
      await (await this.#terminal)?.resize({ columns, rows });
      return;
    }
    if (this.#terminal) throw new Error('a terminal begins once');
    this.#terminal = this.#open(frame);
    const terminal = await this.#terminal;
    this.#input = terminal.input.getWriter();
    this.#input.closed.catch(() => undefined); // A write that fails tells.
    // How it ended is not known, so no end is told.
    this.#live(terminal).catch(() => this.#client.terminate());
  }

  #open({
    command,
    args,
    env,
    cwd,
    cols,
    rows,
  }: Extract<Frame, { type: 'start' }>): Promise<Terminal> {
    const { sandbox, real } = this.#session;
    if (!real) throw new Error('the session does not run');
    const given = env.map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    });
    return real.sandbox.terminal({
      ...{ command: [command, ...args], cwd: cwd ?? sandbox.cwd, size: { columns: cols, rows } },
      env: { ...sandbox.environment(), TERM: 'xterm-256color', ...Object.fromEntries(given) },
    });
  }

  async #live(terminal: Terminal): Promise<void> {
    const shown = this.#show(terminal);
    shown.catch(() => undefined); // The exit tells of a lost link.
    const code = exitNumber(await terminal.exit);
    await this.#flow.untilQuiet(shown);
    if (code === undefined) return this.#client.terminate();
    this.#client.send(JSON.stringify({ type: 'exit', code }));
    this.#client.close(1000);
  }

  async #show(terminal: Terminal): Promise<void> {
    for await (const bytes of terminal.output) {
      // Resolves when it is on its way: a slow client makes the terminal wait.
      const sent = new Promise<void>((resolve) => this.#client.send(bytes, () => resolve()));
      await this.#flow.pass(sent);
    }
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
