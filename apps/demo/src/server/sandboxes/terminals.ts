import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Terminal, TerminalSize } from '@gantry/core';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { TerminalMessage } from '../../protocol/sandboxes.ts';
import { describeError } from '../error-answer.ts';
import type { Sandboxes } from './sandboxes.ts';

const cells = z.coerce.number().int().min(1).max(1_000);
const messageSchema = z.strictObject({
  resize: z.strictObject({ columns: cells, rows: cells }),
});

/** More than this waiting for a slow page stops the reading of the terminal until it has come through. */
const mostBuffered = 1 << 20;

/** A shell that people like better, where the sandbox has it. */
const shell = 'if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh';

/** Terminals over WebSockets: `/api/sandboxes/:id/terminal?columns=&rows=`. The guard has let the request in already. */
export class Terminals {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 1 << 20 });
  readonly #sandboxes: Sandboxes;

  constructor(sandboxes: Sandboxes) {
    this.#sandboxes = sandboxes;
  }

  /** Takes the connection over if it is for a terminal; `false` leaves it alone. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const id = /^\/api\/sandboxes\/([^/]+)\/terminal$/.exec(url.pathname)?.[1];
    if (id === undefined) return false;
    const size = {
      columns: cells.catch(80).parse(url.searchParams.get('columns')),
      rows: cells.catch(24).parse(url.searchParams.get('rows')),
    };
    this.#server.handleUpgrade(request, socket, head, (connection) => {
      this.#serve(connection, decodeURIComponent(id), size).catch((error: unknown) => {
        tell(connection, { error: describeError(error) });
        connection.close();
      });
    });
    return true;
  }

  close(): void {
    for (const connection of this.#server.clients) connection.terminate();
  }

  async #serve(connection: WebSocket, id: string, size: TerminalSize): Promise<void> {
    const opening = this.#open(id, size);
    const writing = opening.then(({ terminal }) => terminal.input.getWriter());
    // Each after the other, once the terminal is there; what it no longer takes it no longer needs.
    let turn: Promise<unknown> = writing.catch(() => undefined);
    connection.on('message', (data: Buffer, isBinary) => {
      const work = isBinary
        ? async () => (await writing).write(Uint8Array.from(data))
        : async () => (await opening).resize(sizeIn(data));
      turn = turn.then(work).catch(() => undefined);
    });
    const { terminal } = await opening;
    await using _ending = terminal;
    connection.once('close', () => void end(terminal));
    for await (const bytes of terminal.output) {
      connection.send(bytes);
      while (connection.bufferedAmount > mostBuffered && connection.readyState === connection.OPEN)
        await delay(10);
    }
    tell(connection, { exit: await terminal.exit });
    connection.close(1000);
  }

  async #open(id: string, size: TerminalSize): Promise<OpenTerminal> {
    const sandbox = await this.#sandboxes.reach(id);
    const terminal = await sandbox.terminal({
      ...{ size, command: ['/bin/sh', '-c', shell] },
      env: { TERM: 'xterm-256color' },
    });
    const canResize = sandbox.capabilities.terminal?.resize ?? false;
    return {
      terminal,
      resize: async (next) => {
        if (next && canResize) await terminal.resize(next);
      },
    };
  }
}

interface OpenTerminal {
  readonly terminal: Terminal;
  /** Nothing happens without a size, and where the provider's terminals keep theirs. */
  readonly resize: (size: TerminalSize | undefined) => Promise<void>;
}

/** The size in a message of the page; anything else that it says is not heard. */
function sizeIn(data: Buffer): TerminalSize | undefined {
  try {
    return messageSchema.parse(JSON.parse(data.toString('utf8'))).resize;
  } catch {
    return undefined;
  }
}

/** A page that is gone ends what ran in its terminal; what has ended by itself is as well. */
async function end(terminal: Terminal): Promise<void> {
  try {
    await terminal[Symbol.asyncDispose]();
  } catch (error) {
    console.error('a terminal could not be ended:', error);
  }
}

function tell(connection: WebSocket, message: TerminalMessage): void {
  if (connection.readyState === connection.OPEN) connection.send(JSON.stringify(message));
}
