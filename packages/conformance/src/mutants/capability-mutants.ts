import type { DriverHandle, NativeSnapshotRef } from '@gantry/core/driver';
import { onCapability, onCommand } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { orIfUnsupported, reshapeProvider } from './reshape-provider.ts';

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
      'secrets',
      'ports',
      'watch',
      'lifetime',
      'inventory',
      'processes',
      'metrics',
      'privilege',
      'images',
    ].map((profile) => `${profile}/undeclared`),
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => orIfUnsupported(original.create(options), () => original.create()),
          async *list(options) {
            try {
              yield* original.list(options);
            } catch {
              // The defect: nobody hears that there is no inventory.
            }
          },
        }),
        sandbox: (sandbox) => ({
          exec: (line, options) =>
            orIfUnsupported(sandbox.exec(line, options), () => sandbox.exec(line)),
          terminal: (options) => orIfUnsupported(sandbox.terminal(options), () => noTerminal),
          suspend: (mode, options) =>
            orIfUnsupported(sandbox.suspend(mode, options), () => undefined),
          nativeSnapshot: (scope, options) =>
            orIfUnsupported(sandbox.nativeSnapshot(scope, options), () => ({
              spec: 'gantry-native-snapshot/1',
              provider: 'none',
              id: 'none',
              scope,
            })),
          fork: (count, options) => orIfUnsupported(sandbox.fork(count, options), () => []),
          expose: (port, options) =>
            orIfUnsupported(sandbox.expose(port, options), () => ({
              url: 'http://127.0.0.1',
              headers: {},
            })),
          extendLifetime: (at, options) =>
            orIfUnsupported(sandbox.extendLifetime(at, options), () => at),
          processes: (options) => orIfUnsupported(sandbox.processes(options), () => []),
          metrics: (options) => orIfUnsupported(sandbox.metrics(options), () => ({})),
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
    kills: ['terminal/is-a-terminal', 'terminal/keys'],
    wrap: onCapability('terminal', (_terminal, driver) => ({
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
    wrap: onCapability('terminal', (terminal) => ({
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
    wrap: onCapability('terminal', (terminal) => ({
      async open(handle, command, size, call) {
        const opened = await terminal.open(handle, command, size, call);
        return { ...opened, exit: opened.exit.then(() => ({ code: 0 })) };
      },
    })),
  },
  {
    name: 'suspend-does-nothing',
    breaks: 'leaves a suspended sandbox running',
    kills: [
      'suspend/keeps',
      'suspend/stands-still',
      'suspend/state',
      'suspend/memory',
      'suspend/disk',
    ],
    wrap: onCapability('suspend', () => ({ suspend: async () => undefined })),
  },
  {
    name: 'resume-is-fresh',
    breaks: 'resumes into a new, empty sandbox',
    kills: ['suspend/keeps', 'suspend/resume-running', 'suspend/disk'],
    wrap: onCapability('suspend', (_suspend, driver) => ({
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
      return onCapability('nativeSnapshot', (native) => ({
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
    wrap: onCapability('nativeSnapshot', (native, driver) => ({
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
    wrap: onCapability('nativeSnapshot', () => ({ remove: async () => undefined })),
  },
  {
    name: 'fork-is-the-source',
    breaks: 'returns the source as its own fork',
    kills: ['fork/own-state'],
    wrap: onCapability('fork', () => ({
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
