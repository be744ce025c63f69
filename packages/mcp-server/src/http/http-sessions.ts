import { randomUUID } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { SnapshotStore } from '@gantry/core';
import { type McpSession, mcpSession } from '../session/mcp-session.ts';
import type { McpServerOptions } from '../server-options.ts';

interface HttpSession {
  readonly session: McpSession;
  readonly transport: StreamableHTTPServerTransport;
  /** Requests that are not answered yet. */
  open: number;
  idle: NodeJS.Timeout | undefined;
}

/** How many sessions there may be, and how long they may idle. */
export interface SessionLimits {
  readonly maxSessions: number;
  readonly idleMs: number;
}

/** The sessions of an HTTP server by their ids, which nobody can guess. Each ends when its client says so, or after it has idled. */
export class HttpSessions {
  readonly #options: McpServerOptions;
  readonly #store: SnapshotStore;
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<string, HttpSession>();
  readonly #ending = new Set<Promise<void>>();
  #starting = 0;

  constructor(options: McpServerOptions, store: SnapshotStore, limits: SessionLimits) {
    this.#options = options;
    this.#store = store;
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#sessions.size + this.#starting >= this.#limits.maxSessions;
  }

  /** The transport of a session, which is kept alive until `release` is called. */
  use(
    id: string,
  ):
    | { readonly transport: StreamableHTTPServerTransport; readonly release: () => void }
    | undefined {
    const found = this.#sessions.get(id);
    if (!found) return undefined;
    found.open += 1;
    clearTimeout(found.idle);
    const release = (): void => {
      found.open -= 1;
      if (found.open === 0) this.#startIdling(id, found);
    };
    return { transport: found.transport, release };
  }

  /** Has a client introduce itself by the request that `handle` hands to its transport. */
  async start(handle: (transport: StreamableHTTPServerTransport) => Promise<void>): Promise<void> {
    const session = mcpSession(this.#options, this.#store);
    let starting = true;
    this.#starting += 1;
    const settled = (): void => {
      if (starting) this.#starting -= 1;
      starting = false;
    };
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        const started: HttpSession = { session, transport, open: 0, idle: undefined };
        this.#sessions.set(id, started);
        settled();
        this.#startIdling(id, started);
      },
    });
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK knows one listener, by this name
    session.server.onclose = (): void => {
      const { sessionId } = transport;
      if (sessionId !== undefined) this.#forget(sessionId);
    };
    try {
      // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- its own type lets `undefined` be said of what may be absent, which the compiler's settings here do not
      await session.server.connect(transport as Transport);
      await handle(transport);
    } finally {
      settled();
    }
  }

  /** Ends every session. Resolves when their sandboxes are gone. */
  async close(): Promise<void> {
    const all = [...this.#sessions.values()];
    await Promise.allSettled(all.map(({ session }) => session.server.close()));
    const ended = await Promise.allSettled(this.#ending);
    const failed = ended.flatMap((each): unknown[] =>
      each.status === 'rejected' ? [each.reason] : [],
    );
    if (failed.length > 0) throw new AggregateError(failed, 'not every sandbox could be destroyed');
  }

  #startIdling(id: string, session: HttpSession): void {
    clearTimeout(session.idle);
    session.idle = setTimeout(() => void session.session.server.close(), this.#limits.idleMs);
    session.idle.unref();
    if (!this.#sessions.has(id)) clearTimeout(session.idle);
  }

  #forget(id: string): void {
    const found = this.#sessions.get(id);
    if (!found) return;
    this.#sessions.delete(id);
    clearTimeout(found.idle);
    const ended = Promise.resolve(found.session[Symbol.asyncDispose]());
    // Kept until it is told by `close`, where it failed.
    this.#ending.add(ended);
    ended.then(
      () => this.#ending.delete(ended),
      () => undefined,
    );
  }
}
