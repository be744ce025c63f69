import type { Terminal } from '@xterm/xterm';
import type { TerminalMessage } from '../../../../src/protocol/sandboxes.ts';
import { path } from '../../app/api.ts';
import { parseAnswer } from '../../app/parse-answer.ts';

/** How a terminal's connection is. */
export type TerminalStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'open' }
  | { readonly state: 'ended'; readonly how: string }
  | { readonly state: 'failed'; readonly message: string };

/** Joins a terminal on the page to a new shell in a sandbox; `close` ends both. */
export function connectTerminal(
  sandbox: string,
  terminal: Terminal,
  tell: (status: TerminalStatus) => void,
): { close: () => void } {
  const url = new URL(path`/api/sandboxes/${sandbox}/terminal`, location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('columns', String(terminal.cols));
  url.searchParams.set('rows', String(terminal.rows));
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const encoder = new TextEncoder();
  let isOver = false;
  const end = (status: TerminalStatus): void => {
    if (!isOver) tell(status);
    isOver = true;
  };
  const send = (data: Uint8Array<ArrayBuffer> | string): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  socket.addEventListener('open', () => {
    if (!isOver) tell({ state: 'open' });
  });
  socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== 'string') {
      terminal.write(new Uint8Array(data));
      return;
    }
    const message = parseAnswer<TerminalMessage>(data);
    if ('exit' in message) end({ state: 'ended', how: describeExit(message.exit) });
    if ('error' in message) end({ state: 'failed', message: message.error.message });
  });
  socket.addEventListener('close', () => {
    end({ state: 'failed', message: 'The connection was lost, and the shell with it' });
  });
  const subscriptions = [
    terminal.onData((data) => {
      send(encoder.encode(data));
    }),
    terminal.onBinary((data) => {
      send(Uint8Array.from(data, (character) => character.charCodeAt(0)));
    }),
    terminal.onResize(({ cols, rows }) => {
      send(JSON.stringify({ resize: { columns: cols, rows } } satisfies TerminalMessage));
    }),
  ];
  return {
    close: () => {
      isOver = true;
      for (const subscription of subscriptions) subscription.dispose();
      socket.close();
    },
  };
}

/** How a process ended, in a few words. */
function describeExit(exit: Extract<TerminalMessage, { exit: unknown }>['exit']): string {
  if (exit.code !== undefined) return `ended with ${exit.code}`;
  if (exit.signal !== undefined) return `ended by ${exit.signal}`;
  return `ended: ${exit.unknown}`;
}
