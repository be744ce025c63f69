import { SandboxError } from '@gantry/core';
import type { DriverHandle, SandboxDriver } from '@gantry/core/driver';
import { aliased, onCreate, onSpawn } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

let serial = 0;

/** Starts a small shell line in a sandbox and waits for its end. */
async function shell(driver: SandboxDriver, handle: DriverHandle, line: string): Promise<void> {
  const { exit } = await driver.spawn(
    handle,
    {
      argv: ['/bin/sh', '-c', line],
      cwd: handle.workspace ?? '/workspace',
      env: {},
      stdin: 'none',
    },
    { signal: new AbortController().signal },
  );
  await exit;
}

export const lifecycleMutants: readonly Mutant[] = [
  {
    name: 'created-too-early',
    breaks: 'resolves create before the sandbox can run anything',
    kills: ['core/create-running'],
    wrap: (driver) => {
      const ready = new WeakMap<DriverHandle, number>();
      return {
        ...driver,
        async create(request, call) {
          const handle = await driver.create(request, call);
          ready.set(handle, Date.now() + 500);
          return handle;
        },
        async spawn(handle, command, call) {
          if ((ready.get(handle) ?? 0) > Date.now())
            throw new SandboxError('unavailable', 'still starting');
          return driver.spawn(handle, command, call);
        },
      };
    },
  },
  {
    name: 'workspace-reused',
    breaks: 'hands out a workspace in which someone has worked',
    kills: ['core/create-fresh'],
    wrap: (driver) => ({
      ...driver,
      async create(request, call) {
        const handle = await driver.create(request, call);
        await shell(driver, handle, 'echo old > .left-over');
        return handle;
      },
    }),
  },
  {
    name: 'ids-counted',
    breaks: 'numbers its sandboxes, in memory only',
    kills: ['core/create-unique', 'core/other-process', 'core/creator-gone'],
    wrap: aliased((ref) => ({ ...ref, id: `sandbox-${String(++serial).padStart(12, '0')}` })),
  },
  {
    name: 'env-lost-on-connect',
    breaks: "forgets the sandbox's environment when someone connects",
    kills: ['core/create-env', 'core/connect-same'],
    wrap: (driver) => {
      const names = new Map<string, readonly string[]>();
      const connected = new WeakSet<DriverHandle>();
      return {
        ...driver,
        async create(request, call) {
          const handle = await driver.create(request, call);
          names.set(handle.ref.id, Object.keys(request.env));
          return handle;
        },
        async connect(ref, call) {
          const handle = { ...(await driver.connect(ref, call)) };
          connected.add(handle);
          return handle;
        },
        spawn(handle, command, call) {
          const lost = connected.has(handle) ? (names.get(handle.ref.id) ?? []) : [];
          const unset = lost.flatMap((name) => ['-u', name]);
          if (unset.length === 0) return driver.spawn(handle, command, call);
          return driver.spawn(
            handle,
            { ...command, argv: ['env', ...unset, ...command.argv] },
            call,
          );
        },
      };
    },
  },
  {
    name: 'env-kept-by-the-client',
    breaks: 'keeps the environment in the process that created the sandbox',
    kills: ['core/create-env-other-process'],
    wrap: (driver) => {
      const kept = new Map<string, Readonly<Record<string, string>>>();
      return {
        ...driver,
        async create(request, call) {
          const handle = await driver.create({ ...request, env: {} }, call);
          kept.set(handle.ref.id, request.env);
          return handle;
        },
        spawn: (handle, command, call) =>
          driver.spawn(
            handle,
            { ...command, env: { ...kept.get(handle.ref.id), ...command.env } },
            call,
          ),
      };
    },
  },
  {
    name: 'destroy-does-nothing',
    breaks: 'swallows destroy: sandboxes stay',
    kills: [
      'fan-out/abort',
      'fan-out/half-way',
      'fan-out/many',
      'faults/create-late',
      'core/create-abort',
      'core/create-failure',
      'core/destroy-idempotent',
      'core/destroy-complete',
      'core/inspect-gone',
      'core/dispose',
      'core/leak-free',
    ],
    wrap: (driver) => ({ ...driver, destroy: async () => undefined }),
  },
  {
    name: 'destroy-pretends',
    breaks: 'says that a sandbox is gone while its processes run',
    kills: ['core/destroy-complete'],
    wrap: (driver) => {
      const gone = new Set<string>();
      const refuse = (): never => {
        throw new SandboxError('not-found', 'it is gone');
      };
      return {
        ...driver,
        destroy: async (ref) => void gone.add(ref.id),
        inspect: async (ref, call) =>
          gone.has(ref.id) ? { state: 'gone' } : driver.inspect(ref, call),
        connect: async (ref, call) => (gone.has(ref.id) ? refuse() : driver.connect(ref, call)),
      };
    },
  },
  {
    name: 'destroy-once',
    breaks: 'fails when what is to be destroyed is gone already',
    kills: ['core/destroy-idempotent'],
    wrap: (driver) => ({
      ...driver,
      async destroy(ref, call) {
        const { state } = await driver.inspect(ref, call);
        if (state === 'gone') throw new SandboxError('not-found', 'there is no such sandbox');
        await driver.destroy(ref, call);
      },
    }),
  },
  {
    name: 'destroy-swallows-errors',
    breaks: 'resolves destroy though it failed',
    kills: ['faults/destroy-hangs', 'faults/destroy-answer-lost', 'core/destroy-failure'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          destroy: (options) => sandbox.destroy(options).catch(() => undefined),
        }),
      }),
  },
  {
    name: 'dispose-forgets',
    breaks: 'frees nothing when an object is disposed',
    kills: ['core/dispose'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: () => ({ [Symbol.asyncDispose]: async () => undefined }),
      }),
  },
  {
    name: 'release-does-nothing',
    breaks: 'lets a released object go on working',
    kills: ['core/after-end', 'core/exit-let-go'],
    weaken: (provider) =>
      reshapeProvider(provider, { sandbox: () => ({ release: async () => undefined }) }),
  },
  {
    name: 'release-destroys',
    breaks: 'ends the sandbox when a client lets go',
    kills: ['core/release', 'core/dispose', 'core/connect-same'],
    wrap: (driver) => ({
      ...driver,
      async release(handle) {
        await driver.release(handle);
        await driver.destroy(handle.ref, { signal: new AbortController().signal });
      },
    }),
  },
  {
    name: 'connect-recreates',
    breaks: 'silently makes an empty sandbox where one is gone, or is not',
    kills: ['core/connect-same', 'core/connect-missing'],
    wrap: (driver) => ({
      ...driver,
      connect: (_ref, call) =>
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
    }),
  },
  {
    name: 'always-running',
    breaks: 'says of every sandbox that it runs',
    kills: [
      'core/inspect-gone',
      'core/lifetime-maximum',
      'core/lifetime-creator-gone',
      'core/leak-free',
    ],
    wrap: (driver) => ({ ...driver, inspect: async () => ({ state: 'running' }) }),
  },
  {
    name: 'fault-is-gone',
    breaks: 'reads a lost link as a sandbox that is gone',
    kills: ['core/inspect-fault'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          inspect: (ref, options) =>
            original.inspect(ref, options).catch(() => ({ state: 'gone' })),
        }),
      }),
  },
  {
    name: 'inspect-extends',
    breaks: 'puts the end of a sandbox off whenever someone looks',
    kills: ['core/inspect-passive'],
    wrap: (driver) => {
      let looks = 0;
      return {
        ...driver,
        async inspect(ref, call) {
          const status = await driver.inspect(ref, call);
          looks++;
          return status.state === 'gone'
            ? status
            : { ...status, expiresAt: Date.now() + 60_000 + looks * 1_000 };
        },
      };
    },
  },
  {
    name: 'lifetime-in-another-unit',
    breaks: 'takes the lifetime for seconds',
    kills: ['core/lifetime-maximum'],
    wrap: onCreate((request) => ({ ...request, maxLifetimeMs: request.maxLifetimeMs * 1_000 })),
  },
  {
    name: 'workspace-elsewhere',
    breaks: 'starts commands beside the workspace when none is said',
    kills: ['core/workspace-path', 'core/create-fresh'],
    wrap: onSpawn((start, command, handle) =>
      start(
        command.cwd === (handle.workspace ?? '/workspace') ? { ...command, cwd: '/' } : command,
      ),
    ),
  },
];
