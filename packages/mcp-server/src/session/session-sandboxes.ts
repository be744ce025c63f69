import { createToolset, type Toolset } from '@gantry/agent/toolset';
import {
  type CreateOptions,
  type OperationOptions,
  type Sandbox,
  SandboxError,
  type SnapshotStore,
} from '@gantry/core';
import type { McpServerOptions } from '../server-options.ts';
import { deferredSandbox } from './deferred-sandbox.ts';

/** The sandbox that a tool works in when none is named. It is made when it is first used. */
export const mainName = 'main';

interface NamedSandbox {
  readonly toolset: Toolset;
  sandbox: Promise<Sandbox> | undefined;
  /** The snapshot that it was last kept as, or came from. */
  snapshot?: string;
}

/** The sandboxes of one session, by name. No other session knows them; they end with it. */
export class SessionSandboxes {
  readonly #options: McpServerOptions;
  readonly #store: SnapshotStore;
  readonly #named = new Map<string, NamedSandbox>();
  #reserved = 0;
  #forks = 0;
  #closed = false;

  constructor(options: McpServerOptions, store: SnapshotStore) {
    this.#options = options;
    this.#store = store;
    this.#addMain();
  }

  /** The toolset of that sandbox. Throws `not-found` where there is none of that name. */
  toolset(name: string = mainName): Toolset {
    return this.#get(name).toolset;
  }

  /** The sandbox of that name; `main` is made if need be. */
  async sandbox(name: string = mainName): Promise<Sandbox> {
    return this.#open(this.#get(name));
  }

  /** The names, and which of them are running sandboxes already. */
  list(): readonly { readonly name: string; readonly started: boolean }[] {
    return [...this.#named].map(([name, { sandbox }]) => ({
      name,
      started: sandbox !== undefined,
    }));
  }

  /** A fresh sandbox of this name, from the manifest or from a snapshot. */
  async create(
    name: string,
    snapshot: string | undefined,
    options: OperationOptions,
  ): Promise<void> {
    if (this.#named.has(name)) throw taken(name);
    await this.#within(1, async () => {
      const sandbox =
        snapshot === undefined
          ? await this.#options.provider.create({ ...this.#options.create, ...options })
          : await this.#rehydrate(snapshot, options);
      await this.#add(name, sandbox, snapshot);
    });
  }

  /** Clones; names or errors in order. */
  async fork(
    name: string,
    count: number,
    options: OperationOptions,
  ): Promise<readonly PromiseSettledResult<string>[]> {
    const source = await this.sandbox(name);
    return this.#within(count, async () => {
      const forks = await source.fork(count, { ...options, ...this.#ending(), store: this.#store });
      const { snapshot } = this.#get(name);
      return Promise.allSettled(
        forks.map(async (fork) => {
          if (fork.status === 'rejected') throw fork.reason;
          this.#forks += 1;
          const own = `fork-${this.#forks}`;
          await this.#add(own, fork.value, snapshot);
          return own;
        }),
      );
    });
  }

  /** Keeps the workspace; what did not change since this sandbox's last snapshot does not travel. */
  async snapshot(name: string, options: OperationOptions): ReturnType<Sandbox['snapshot']> {
    const named = this.#get(name);
    const sandbox = await this.#open(named);
    const parent = named.snapshot === undefined ? {} : { parent: named.snapshot };
    const taken = await sandbox.snapshot(this.#store, { ...options, ...parent });
    named.snapshot = taken.id;
    return taken;
  }

  /** Ends a sandbox. `main` starts anew when it is next used. */
  async destroy(name: string): Promise<void> {
    const named = this.#get(name);
    this.#named.delete(name);
    if (name === mainName && !this.#closed) this.#addMain();
    await end(named);
  }

  /** Ends all of them. What fails is told after all were tried. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#named.values()];
    this.#named.clear();
    const ended = await Promise.allSettled(all.map(end));
    const failed = ended.flatMap((each): unknown[] =>
      each.status === 'rejected' ? [each.reason] : [],
    );
    if (failed.length > 0) throw new AggregateError(failed, 'not every sandbox could be destroyed');
  }

  #addMain(): void {
    const named: NamedSandbox = {
      toolset: this.#toolset(deferredSandbox(() => this.#open(named))),
      sandbox: undefined,
    };
    this.#named.set(mainName, named);
  }

  async #open(named: NamedSandbox): Promise<Sandbox> {
    if (this.#closed) throw closed();
    named.sandbox ??= this.#within(1, () => this.#options.provider.create(this.#options.create));
    try {
      return await named.sandbox;
    } catch (error) {
      // The next use tries again.
      named.sandbox = undefined;
      throw error;
    }
  }

  async #add(name: string, sandbox: Sandbox, snapshot: string | undefined): Promise<void> {
    // The session may have ended, or another call taken the name, while it was made.
    if (this.#closed || this.#named.has(name)) {
      await sandbox.destroy();
      throw this.#closed ? closed() : taken(name);
    }
    this.#named.set(name, {
      toolset: this.#toolset(sandbox.restricted()),
      sandbox: Promise.resolve(sandbox),
      ...(snapshot === undefined ? {} : { snapshot }),
    });
  }

  #toolset(sandbox: Parameters<typeof createToolset>[0]): Toolset {
    const { tools, limits } = this.#options;
    return createToolset(sandbox, {
      ...(tools === undefined ? {} : { tools }),
      ...(limits === undefined ? {} : { limits }),
      // The same everywhere: the shell of a fork goes on where that of its source is.
      shellState: 'mcp',
    });
  }

  async #within<T>(count: number, work: () => Promise<T>): Promise<T> {
    const { maxSandboxes = 8 } = this.#options;
    const started = [...this.#named.values()].filter(({ sandbox }) => sandbox !== undefined).length;
    if (started + this.#reserved + count > maxSandboxes) {
      throw new SandboxError(
        'resource-exhausted',
        `a session may have ${maxSandboxes} sandboxes at once; destroy one that is no longer needed`,
        { outcome: 'not-started' },
      );
    }
    this.#reserved += count;
    try {
      return await work();
    } finally {
      this.#reserved -= count;
    }
  }

  #rehydrate(snapshot: string, options: OperationOptions): Promise<Sandbox> {
    const { manifest, ...rest } = { ...this.#options.create };
    const common: CreateOptions = { ...rest, ...options };
    if (!manifest) return this.#options.provider.rehydrate(snapshot, this.#store, common);
    // What it puts in place is in the snapshot.
    const { entries: _entries, setup: _setup, ...needs } = manifest;
    return this.#options.provider.rehydrate(snapshot, this.#store, { ...common, manifest: needs });
  }

  #ending(): {
    readonly maxLifetimeMs?: number;
    readonly labels?: Readonly<Record<string, string>>;
  } {
    const { maxLifetimeMs, labels } = { ...this.#options.create };
    return {
      ...(maxLifetimeMs === undefined ? {} : { maxLifetimeMs }),
      ...(labels === undefined ? {} : { labels }),
    };
  }

  #get(name: string): NamedSandbox {
    const found = this.#named.get(name);
    if (found) return found;
    const names = [...this.#named.keys()].join(', ');
    const message = `there is no sandbox ${JSON.stringify(name)}; there are: ${names}`;
    throw new SandboxError('not-found', message);
  }
}

async function end({ toolset, sandbox }: NamedSandbox): Promise<void> {
  // One that could not be made needs no end; whoever asked for it was told.
  const made = await sandbox?.catch(() => undefined);
  try {
    await made?.destroy();
  } finally {
    await toolset.close();
  }
}

function taken(name: string): SandboxError {
  return new SandboxError('already-exists', `there is a sandbox ${JSON.stringify(name)} already`);
}

function closed(): SandboxError {
  return new SandboxError('failed-precondition', 'the session has ended');
}
