import {
  type Call,
  type CreateRequest,
  type SandboxDriver,
  SandboxError,
  type SandboxRef,
  type SuspendMode,
} from '@gantry/core/driver';
import {
  afterRemoval,
  createSandbox,
  destroySandbox,
  extendLifetime,
  wholeMinutes,
} from './create.ts';
import { unlessMissing, withVendor } from './errors.ts';
import type { DaytonaHandle } from './handle.ts';
import { listSandboxes, stateOf } from './inventory.ts';
import { nativeSnapshot } from './native-snapshot.ts';
import { toNetwork } from './network.ts';
import type { DaytonaOptions } from './options.ts';
import { type Daytona, newClient, type Sandbox } from './sdk.ts';
import { SessionPool } from './session-pool.ts';
import { spawnCommand } from './spawn.ts';
import { openTerminal } from './terminal.ts';
import { transfer } from './transfer.ts';

/** Sandboxes of a Daytona account, by the vendor's own SDK. */
export function daytonaDriver(options: DaytonaOptions): SandboxDriver<DaytonaHandle> {
  const { apiKey, apiUrl, target, requestTimeoutMs, signedPreviewSeconds } = options;
  const { sandboxClass = 'container' } = options;
  const isMachine = sandboxClass === 'linux-vm';
  let connected: Promise<Daytona> | undefined;
  const client = (): Promise<Daytona> => {
    connected ??= withVendor(() =>
      newClient({
        ...(apiKey === undefined ? {} : { apiKey }),
        ...(apiUrl === undefined ? {} : { apiUrl }),
        ...(target === undefined ? {} : { target }),
        ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
      }),
    );
    connected.catch(() => (connected = undefined));
    return connected;
  };
  const refOf = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'daytona', id });
  const handleOf = (sandbox: Sandbox): DaytonaHandle => ({
    ref: refOf(sandbox.id),
    sandbox,
    sessions: new SessionPool(sandbox),
    followed: new Set(),
    // A container cannot do what a virtual machine can, whatever the options say.
    ...(isMachine && sandbox.sandboxClass === 'container'
      ? { narrowed: { suspend: { modes: ['disk'] }, fork: false } }
      : {}),
  });

  /** What the vendor knows of a sandbox; `undefined` for none, which is a confirmed absence. */
  const find = (ref: SandboxRef): Promise<Sandbox | undefined> =>
    unlessMissing(async () => (await client()).get(ref.id));
  const requireThere = async (ref: SandboxRef): Promise<Sandbox> => {
    const sandbox = await find(ref);
    if (sandbox && sandbox.state !== 'destroyed' && sandbox.state !== 'destroying') return sandbox;
    throw new SandboxError('not-found', `there is no sandbox ${ref.id}`, { ref });
  };
  const create = async (request: CreateRequest, snapshot?: string): Promise<DaytonaHandle> =>
    handleOf(await createSandbox(await client(), options, request, snapshot));

  return {
    spec: 'gantry-driver/1',
    id: 'daytona',
    traits: {
      isolation: isMachine ? 'microvm' : 'container',
      output: 'bytes',
      stdin: 'stream',
      exit: 'shell-encoded',
      kill: 'group',
      limits: { memory: 'enforced', pids: 'none', cpu: 'enforced', disk: 'enforced' },
    },
    inlineInputBytes: 96 * 1024,
    transfer,
    root: { modes: ['copy-on-write'] },
    images: {},
    lifetime: { extend: ({ sandbox }, expiresAt) => extendLifetime(sandbox, expiresAt) },
    inventory: {
      async *list(labels, call) {
        yield* listSandboxes(await client(), labels, refOf, call);
      },
    },
    terminal: { resize: true, open: openTerminal },
    ports: {
      async expose({ sandbox }, port) {
        if (signedPreviewSeconds !== undefined) {
          const seconds = signedPreviewSeconds;
          const signed = await withVendor(() => sandbox.getSignedPreviewUrl(port, seconds));
          return { url: signed.url, headers: {} };
        }
        const { url, token } = await withVendor(() => sandbox.getPreviewLink(port));
        return { url, headers: { 'x-daytona-preview-token': token } };
      },
    },
    network: {
      modes: ['none', 'allow-list', 'open'],
      live: true,
      set: async ({ sandbox, sessions }, policy) => {
        await withVendor(() => sandbox.updateNetworkSettings(toNetwork(policy)));
        // The environment of an older shell may not say how the network is reached now.
        await sessions.clear();
      },
    },
    nativeSnapshot: nativeSnapshot(client, (name, request) => create(request, name)),
    metrics: {
      async read({ sandbox }) {
        const { memUsed, diskUsed } = await withVendor(() => sandbox.getMetricsLatest());
        return { memoryBytes: memUsed, diskBytes: diskUsed };
      },
    },
    suspend: {
      modes: isMachine ? ['memory', 'disk'] : ['disk'],
      suspend: async ({ sandbox, sessions, ref }, mode) => {
        const { state } = stateOf(await requireThere(ref));
        if (state !== 'running') {
          throw new SandboxError('failed-precondition', `sandbox ${ref.id} is ${state}`, { ref });
        }
        // With memory they would stay, and nobody uses them again.
        await (mode === 'memory' ? sessions.clear() : sessions.forget());
        await suspendBy[mode](sandbox);
      },
      async resume(ref) {
        const sandbox = await requireThere(ref);
        if (stateOf(sandbox).state !== 'running') await wake(sandbox);
        return handleOf(sandbox);
      },
    },
    ...(isMachine
      ? { fork: { maxPerCall: 16, from: 'live', fork: forkSandbox(client, handleOf) } }
      : {}),

    async probe() {
      await withVendor(async () => (await client()).list({ limit: 1 }).next());
      return {};
    },

    create: (request) =>
      create(request, request.image === undefined ? options.snapshot : undefined),

    async inspect(ref) {
      const sandbox = await find(ref);
      return sandbox && sandbox.state !== 'destroyed' ? stateOf(sandbox) : { state: 'gone' };
    },

    async connect(ref) {
      const sandbox = await requireThere(ref);
      const { state } = stateOf(sandbox);
      if (state === 'running') return handleOf(sandbox);
      const message = `sandbox ${ref.id} is ${state}; resume it`;
      throw new SandboxError('failed-precondition', message, { ref });
    },

    spawn: spawnCommand,

    async release({ sessions, followed }) {
      const message = 'the sandbox was let go of: how it ended is not known';
      const error = new SandboxError('unavailable', message, { outcome: 'unknown' });
      for (const lose of followed) lose(error);
      await sessions.close();
    },

    destroy: async (ref) => destroySandbox(await client(), ref.id),
  };
}

const suspendBy: Readonly<Record<SuspendMode, (sandbox: Sandbox) => Promise<void>>> = {
  memory: (sandbox) => withVendor(() => sandbox.pause(0)),
  disk: (sandbox) => withVendor(() => sandbox.stop(0)),
};

/** Starts what is stopped, paused or archived. One that has failed cannot be started, which is no fault of the caller's words. */
async function wake(sandbox: Sandbox): Promise<void> {
  try {
    await withVendor(() => sandbox.start(0));
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'invalid-argument') throw error;
    const message = `sandbox ${sandbox.id} cannot be started: ${error.message}`;
    throw new SandboxError('failed-precondition', message, { cause: error });
  }
}

/** The vendor's clones have their source's files and environment; labels and lifetime are given to each. */
function forkSandbox(
  client: () => Promise<Daytona>,
  handleOf: (sandbox: Sandbox) => DaytonaHandle,
) {
  const forkOne = async (sandbox: Sandbox, request: CreateRequest): Promise<DaytonaHandle> => {
    const minutes = wholeMinutes(request.maxLifetimeMs);
    try {
      return await withVendor(async () => {
        const clone = await sandbox.fork({ name: request.id }, 0);
        await clone.setLabels({ ...request.labels });
        await clone.setTtl(minutes);
        return handleOf(clone);
      });
    } catch (error) {
      const refused = SandboxError.is(error) && error.outcome === 'not-started';
      throw refused ? error : await afterRemoval(await client(), request.id, error);
    }
  };
  return (
    { sandbox }: DaytonaHandle,
    requests: readonly CreateRequest[],
    _call: Call,
  ): Promise<PromiseSettledResult<DaytonaHandle>[]> =>
    Promise.allSettled(requests.map((request) => forkOne(sandbox, request)));
}
