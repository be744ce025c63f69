import { SandboxError } from '@gantry/core';
import type { DriverHandle, NativeSnapshotRef, SandboxDriver } from '@gantry/core/driver';
import { onCommand } from './driver-edits.ts';
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
];
