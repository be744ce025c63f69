import { SandboxError } from '@gantry/core';
import type { DriverHandle, NativeSnapshotRef, SandboxDriver } from '@gantry/core/driver';
import { onCommand, onCreate, onSpawn } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** Changes one capability where the driver has it; else the driver stays as it is. */
function on<Name extends keyof SandboxDriver>(
  name: Name,
  change: (
    capability: NonNullable<SandboxDriver[Name]>,
    driver: SandboxDriver,
  ) => Partial<NonNullable<SandboxDriver[Name]>>,
): (driver: SandboxDriver) => SandboxDriver {
  return (driver) => {
    const capability = driver[name];
    if (capability === undefined || capability === null) return driver;
    return { ...driver, [name]: { ...(capability as object), ...change(capability, driver) } };
  };
}

async function swallowed<Result>(
  work: Promise<Result>,
  instead: () => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'unsupported') return instead();
    throw error;
  }
}

const nothing = {
  input: new WritableStream<Uint8Array>(),
  output: new ReadableStream<Uint8Array>(),
  exit: Promise.resolve({ code: 0 }),
} as const;
const noTerminal = {
  ...nothing,
  resize: async () => undefined,
  kill: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

export const capabilityMutants: readonly Mutant[] = [
  {
    name: 'unsupported-swallowed',
    breaks: 'pretends to have done what it cannot do',
    kills: [
      'terminal',
      'suspend',
      'native-snapshot',
      'fork',
      'mounts',
      'users',
      'resources',
      'root',
      'network',
      'ports',
      'watch',
      'lifetime',
      'inventory',
      'processes',
      'metrics',
    ].map((profile) => `${profile}/undeclared`),
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => swallowed(original.create(options), () => original.create()),
          async *list(options) {
            try {
              yield* original.list(options);
            } catch {
              // The defect: nobody hears that there is no inventory.
            }
          },
        }),
        sandbox: (sandbox) => ({
          exec: (line, options) => swallowed(sandbox.exec(line, options), () => sandbox.exec(line)),
          terminal: (options) => swallowed(sandbox.terminal(options), () => noTerminal),
          suspend: (mode, options) => swallowed(sandbox.suspend(mode, options), () => undefined),
          nativeSnapshot: (scope, options) =>
            swallowed(sandbox.nativeSnapshot(scope, options), () => ({
              spec: 'gantry-native-snapshot/1',
              provider: 'none',
              id: 'none',
              scope,
            })),
          fork: (count, options) => swallowed(sandbox.fork(count, options), () => []),
          expose: (port, options) =>
            swallowed(sandbox.expose(port, options), () => ({
              url: 'http://127.0.0.1',
              headers: {},
            })),
          extendLifetime: (at, options) => swallowed(sandbox.extendLifetime(at, options), () => at),
          processes: (options) => swallowed(sandbox.processes(options), () => []),
          metrics: (options) => swallowed(sandbox.metrics(options), () => ({})),
        }),
        files: (files) => ({
          async *watch(path, options) {
            try {
              yield* files.watch(path, options);
            } catch {
              // The defect: nobody hears that nothing is watched.
            }
          },
        }),
      }),
  },
  {
    name: 'terminal-is-a-pipe',
    breaks: 'opens a pipe where a terminal was asked for',
    kills: ['terminal/is-a-terminal'],
    wrap: on('terminal', (_terminal, driver) => ({
      async open(handle, command, _size, call) {
        const process = await driver.spawn(handle, { ...command, stdin: 'stream' }, call);
        if (!process.stdin) throw new Error('no input');
        return {
          input: process.stdin,
          output: process.stdout,
          exit: process.exit,
          kill: (signal) => process.kill(signal),
          resize: async () => undefined,
        };
      },
    })),
  },
  {
    name: 'resize-ignored',
    breaks: 'resolves a resize and does nothing',
    kills: ['terminal/resize'],
    wrap: on('terminal', (terminal) => ({
      open: async (handle, command, size, call) => ({
        ...(await terminal.open(handle, command, size, call)),
        resize: async () => undefined,
      }),
    })),
  },
  {
    name: 'terminal-exit-lost',
    breaks: 'says 0 however a terminal ended',
    kills: ['terminal/ends'],
    wrap: on('terminal', (terminal) => ({
      async open(handle, command, size, call) {
        const opened = await terminal.open(handle, command, size, call);
        return { ...opened, exit: opened.exit.then(() => ({ code: 0 })) };
      },
    })),
  },
  {
    name: 'suspend-does-nothing',
    breaks: 'leaves a suspended sandbox running',
    kills: ['suspend/keeps', 'suspend/stands-still'],
    wrap: on('suspend', () => ({ suspend: async () => undefined })),
  },
  {
    name: 'resume-is-fresh',
    breaks: 'resumes into a new, empty sandbox',
    kills: ['suspend/keeps'],
    wrap: on('suspend', (_suspend, driver) => ({
      resume: (_ref, call) =>
        driver.create(
          {
            id: globalThis.crypto.randomUUID(),
            labels: {},
            env: {},
            maxLifetimeMs: 60_000,
            network: { mode: 'none' },
          },
          call,
        ),
    })),
  },
  {
    name: 'suspend-any-mode',
    breaks: 'takes any mode for its own',
    kills: ['suspend/refusals'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          suspend: (_mode, options) => sandbox.suspend(undefined, options),
        }),
      }),
  },
  {
    name: 'snapshot-is-a-pointer',
    breaks: 'takes the snapshot when it is used, not when it was asked for',
    kills: ['native-snapshot/immutable', 'native-snapshot/removed'],
    wrap: (driver) => {
      const sources = new Map<string, DriverHandle>();
      return on('nativeSnapshot', (native) => ({
        async take(handle, scope, call) {
          const taken = await native.take(handle, scope, call);
          sources.set(taken.id, handle);
          return taken;
        },
        async create(snapshot, request, call) {
          const source = sources.get(snapshot.id);
          const late: NativeSnapshotRef = source
            ? await native.take(source, snapshot.scope, call)
            : snapshot;
          try {
            return await native.create(late, request, call);
          } finally {
            if (source) await native.remove(late, call);
          }
        },
      }))(driver);
    },
  },
  {
    name: 'snapshot-loses-exec-bits',
    breaks: 'loses exec bits in a snapshot',
    kills: ['native-snapshot/restores'],
    wrap: on('nativeSnapshot', (native, driver) => ({
      async create(snapshot, request, call) {
        const handle = await native.create(snapshot, request, call);
        const argv = ['/bin/sh', '-c', 'find . -type f -exec chmod 644 {} +'] as const;
        const { exit } = await driver.spawn(
          handle,
          { argv, cwd: handle.workspace ?? '/workspace', env: {}, stdin: 'none' },
          call,
        );
        await exit;
        return handle;
      },
    })),
  },
  {
    name: 'snapshot-kept',
    breaks: 'does not remove snapshots',
    kills: ['native-snapshot/removed'],
    wrap: on('nativeSnapshot', () => ({ remove: async () => undefined })),
  },
  {
    name: 'fork-is-the-source',
    breaks: 'returns the source as its own fork',
    kills: ['fork/own-state'],
    wrap: on('fork', () => ({
      fork: async (handle, requests) =>
        requests.map(() => ({ status: 'fulfilled', value: handle })),
    })),
  },
  {
    name: 'fork-same-randomness',
    breaks: 'gives all forks the same random numbers',
    kills: ['fork/randomness'],
    wrap: onCommand((command) =>
      command.argv.some((argument) => argument.includes('/dev/urandom'))
        ? { ...command, argv: ['echo', '4'] }
        : command,
    ),
  },
  {
    name: 'fork-any-count',
    breaks: 'makes as many forks as it likes',
    kills: ['fork/counts'],
    weaken: (provider) =>
      reshapeProvider(provider, { sandbox: (sandbox) => ({ fork: () => sandbox.fork(1) }) }),
  },
  {
    name: 'mounts-writable',
    breaks: 'mounts everything writable',
    kills: ['mounts/read-only'],
    wrap: onCreate((request) =>
      request.mounts
        ? { ...request, mounts: request.mounts.map((mount) => ({ ...mount, writable: true })) }
        : request,
    ),
  },
  {
    name: 'user-ignored',
    breaks: 'runs everything as one user',
    kills: ['users/runs-as'],
    wrap: onCommand(({ user: _ignored, ...command }) => command),
  },
  {
    name: 'limits-unclaimed',
    breaks: 'lets limits be set, and says that none is enforced',
    kills: ['resources/traits'],
    wrap: (driver) => ({
      ...driver,
      resources: { settable: ['cpus', 'memoryBytes', 'pids', 'diskBytes'] },
      traits: {
        ...driver.traits,
        limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
      },
    }),
  },
  {
    name: 'limits-dropped',
    breaks: 'drops limits that it cannot set',
    kills: ['resources/settable'],
    wrap: (driver) => ({ ...driver, resources: { settable: [] } }),
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => swallowed(original.create(options), () => original.create()),
        }),
      }),
  },
  {
    name: 'port-off-by-one',
    breaks: 'exposes the next port',
    kills: ['ports/reaches'],
    wrap: on('ports', (ports) => ({
      expose: (handle, port, call) => ports.expose(handle, port + 1, call),
    })),
  },
  {
    name: 'watch-misses-removals',
    breaks: 'does not tell of removals',
    kills: ['watch/events'],
    wrap: on('watch', (watch) => ({
      async *watch(handle, directory, options, call) {
        for await (const event of watch.watch(handle, directory, options, call))
          if (event.kind !== 'removed') yield event;
      },
    })),
  },
  {
    name: 'extend-ignored',
    breaks: 'agrees to a longer life and does nothing',
    kills: ['lifetime/extends'],
    wrap: on('lifetime', () => ({ extend: async (_handle, expiresAt) => expiresAt })),
  },
  {
    name: 'labels-ignored',
    breaks: 'lists everything, whatever its labels',
    kills: ['inventory/labels'],
    wrap: on('inventory', (inventory) => ({ list: (_labels, call) => inventory.list({}, call) })),
  },
  {
    name: 'labels-mangled',
    breaks: 'keeps labels only as far as its own syntax goes',
    kills: ['inventory/labels'],
    wrap: onCreate((request) => ({
      ...request,
      labels: Object.fromEntries(
        Object.entries(request.labels).map(([name, value]) => [
          name,
          value.replaceAll(/[^a-zA-Z0-9-]/g, '_'),
        ]),
      ),
    })),
  },
  {
    name: 'labels-in-memory',
    breaks: 'keeps labels in the process that created the sandbox',
    kills: ['inventory/other-process'],
    wrap: (driver) => {
      const kept = new Map<string, Readonly<Record<string, string>>>();
      const own = onCreate((request) => ({ ...request, labels: {} }))(driver);
      return on('inventory', (inventory) => ({
        async *list(labels, call) {
          for await (const summary of inventory.list({}, call)) {
            const mine = kept.get(summary.ref.id) ?? {};
            if (Object.entries(labels).every(([name, value]) => mine[name] === value))
              yield { ...summary, labels: mine };
          }
        },
      }))({
        ...own,
        async create(request, call) {
          const handle = await own.create(request, call);
          kept.set(handle.ref.id, request.labels);
          return handle;
        },
      });
    },
  },
  {
    name: 'inventory-stopped',
    breaks: 'lists running sandboxes as stopped',
    kills: ['inventory/states'],
    wrap: on('inventory', (inventory) => ({
      async *list(labels, call) {
        for await (const summary of inventory.list(labels, call))
          yield { ...summary, state: 'stopped' };
      },
    })),
  },
  {
    name: 'processes-unlisted',
    breaks: 'lists no process',
    kills: ['processes/lists'],
    wrap: on('processes', () => ({ list: async () => [] })),
  },
  {
    name: 'metrics-invented',
    breaks: 'reports figures that never move',
    kills: ['metrics/sane'],
    wrap: on('metrics', () => ({ read: async () => ({ pids: 1, memoryBytes: Number.NaN }) })),
  },
  {
    name: 'creates-in-turn',
    breaks: 'makes one sandbox at a time',
    kills: ['fan-out/overlap'],
    weaken: (provider) => {
      let last: Promise<unknown> = Promise.resolve();
      return reshapeProvider(provider, {
        provider: (original) => ({
          create(options) {
            const next = last.then(() => original.create(options));
            last = next.catch(() => undefined);
            return next;
          },
        }),
      });
    },
  },
  {
    name: 'same-sandbox-twice',
    breaks: 'returns the sandbox that it made before',
    kills: ['core/create-unique', 'fan-out/own-state', 'fan-out/order'],
    wrap: (driver) => {
      let first: Promise<DriverHandle> | undefined;
      return {
        ...driver,
        create: (request, call) => (first ??= driver.create(request, call)),
        destroy: async () => undefined,
        release: async () => undefined,
      };
    },
  },
  {
    name: 'one-failure-fails-all',
    breaks: 'gives all creates up when one fails',
    kills: ['fan-out/failure-contained', 'fan-out/half-way'],
    weaken: (provider) => {
      let failed: unknown;
      return reshapeProvider(provider, {
        provider: (original) => ({
          async create(options) {
            const sandbox = await original.create(options).catch((error: unknown) => {
              failed = error;
              throw error;
            });
            await new Promise((resolve) => setTimeout(resolve, 300));
            if (failed === undefined) return sandbox;
            await sandbox.destroy();
            throw failed;
          },
        }),
      });
    },
  },
  {
    name: 'gone-is-recreated',
    breaks: 'runs commands of a sandbox that is gone in a fresh one',
    kills: ['faults/gone-in-between'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox, original) => ({
          async exec(line, options) {
            const { state } = await original.inspect(sandbox.ref);
            if (state !== 'gone') return sandbox.exec(line, options);
            await using fresh = await original.create();
            return await fresh.exec(line, options);
          },
        }),
      }),
  },
  {
    name: 'gone-is-success',
    breaks: 'reads a command whose sandbox went away as done',
    kills: ['faults/gone-meanwhile'],
    wrap: onSpawn(async (start, command) => {
      const process = await start(command);
      return {
        ...process,
        kill: (signal) => process.kill(signal),
        exit: process.exit.then(
          (status) => (status.code === undefined ? { code: 0 } : status),
          () => ({ code: 0 }),
        ),
      };
    }),
  },
];
