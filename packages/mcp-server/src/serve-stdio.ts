import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { mcpSession, storeOf } from './session/mcp-session.ts';
import type { McpServerOptions } from './server-options.ts';

/** Where a server over standard input and output reads and writes. */
export interface StdioOptions extends McpServerOptions {
  /** Default: the process's own. Nothing else may write to the output meanwhile. */
  readonly input?: Readable;
  readonly output?: Writable;
  /** Ends the session. */
  readonly signal?: AbortSignal;
}

/** Serves one client until it goes or the signal fires. Resolves when its sandboxes are gone. */
export async function serveStdio(options: StdioOptions): Promise<void> {
  const { input = process.stdin, output = process.stdout, signal, ...rest } = options;
  signal?.throwIfAborted();
  await using session = mcpSession(rest, storeOf(rest));
  const { server } = session;
  const ended = Promise.withResolvers<void>();
  const end = (): void => ended.resolve();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK knows one listener, by this name
  server.onclose = end;
  // The transport itself does not look for the end of its input.
  input.once('end', end).once('close', end).once('error', end);
  output.once('error', end);
  signal?.addEventListener('abort', end, { once: true });
  try {
    await server.connect(new StdioServerTransport(input, output));
    await ended.promise;
  } finally {
    for (const name of ['end', 'close', 'error']) input.off(name, end);
    output.off('error', end);
    signal?.removeEventListener('abort', end);
    await server.close();
  }
}
