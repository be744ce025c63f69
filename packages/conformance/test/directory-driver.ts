import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import {
  SandboxError,
  type CreateRequest,
  type DriverHandle,
  type ExitStatus,
  type NativeSnapshotRef,
  type SandboxDriver,
} from '@gantry/core/driver';
import { openTerminal, start } from './directory-process.ts';
import { changes } from './directory-watch.ts';
import {
  copyWorkspace,
  discard,
  find,
  hasSnapshot,
  load,
  marked,
  save,
  signalMarked,
  snapshotOf,
  store,
  storedIds,
  supervised,
  workspaceOf,
  type StoredSandbox,
} from './directory-store.ts';

const provider = 'directory';

const handleOf = (id: string): DriverHandle => ({
  ref: { spec: 'gantry-ref/1', provider, id },
  workspace: workspaceOf(id),
});

async function make(request: CreateRequest, copyOf?: string): Promise<DriverHandle> {
  const { id, env, labels, maxLifetimeMs } = request;
  const now = Date.now();
  const times = { createdAt: now, expiresAt: now + maxLifetimeMs };
  await store({ id, env, labels, ...times, suspended: false }, copyOf);
  return handleOf(id);
}

async function running(id: string): Promise<StoredSandbox> {
  const found = await find(id);
  if (!found.suspended) return found;
  throw new SandboxError('failed-precondition', `sandbox ${id} is suspended; resume it first`);
}

/** How a process ended, as long as someone holds its sandbox. */
function untilLetGo(exit: Promise<ExitStatus>, letGo: AbortSignal): Promise<ExitStatus> {
  const gone = new Promise<never>((_, reject) => {
    const message = 'the sandbox was let go of, and its processes with it';
    const error = new SandboxError('unavailable', message, { outcome: 'unknown' });
    letGo.addEventListener('abort', () => reject(error), { once: true });
  });
  const first = Promise.race([exit, gone]);
  first.catch(() => undefined); // Looked at late, or never.
  return first;
}

const environment = ({ id, env }: StoredSandbox): Record<string, string> => ({
  ...env,
  GANTRY_SANDBOX: id,
});

/** How the directory subject runs its guests. */
export interface DirectoryOptions {
  /** `unprivileged` (default): as nobody when the caller is root. `caller`: as the caller. */
  readonly guest?: 'unprivileged' | 'caller';
}

/**
 * The suite's own reference subject: processes of the host in a directory, no isolation, and nearly
 * every capability. All state is on disk, so that any process of the user can go on with it.
 */
export function directoryDriver(options: DirectoryOptions = {}): SandboxDriver {
  const { guest = 'unprivileged' } = options;
  const held = new WeakMap<DriverHandle, AbortController>();
  const lettingGo = (handle: DriverHandle): AbortController => {
    const control = held.get(handle) ?? new AbortController();
    held.set(handle, control);
    return control;
  };
  return {
    spec: 'gantry-driver/1',
    id: provider,
    traits: {
      isolation: 'none',
      output: 'bytes',
      stdin: 'stream',
      exit: 'exact',
      kill: 'tree',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
    },
    create: (request) => make(request),
    async inspect(ref) {
      const found = await load(ref.id);
      if (!found) return { state: 'gone' };
      return { state: found.suspended ? 'suspended' : 'running', expiresAt: found.expiresAt };
    },
    async connect(ref) {
      return handleOf((await running(ref.id)).id);
    },
    async spawn(handle, command) {
      const process = await start(command, environment(await running(handle.ref.id)), guest);
      return { ...process, exit: untilLetGo(process.exit, lettingGo(handle).signal) };
    },
    async release(handle) {
      lettingGo(handle).abort();
    },
    destroy: (ref) => discard(ref.id),
    inventory: {
      async *list(labels) {
        for (const id of await storedIds()) {
          const found = await load(id);
          if (!found || !Object.entries(labels).every(([k, v]) => found.labels[k] === v)) continue;
          const { createdAt, expiresAt, suspended } = found;
          const state = suspended ? ('suspended' as const) : ('running' as const);
          yield { ref: handleOf(id).ref, labels: found.labels, createdAt, expiresAt, state };
        }
      },
    },
    processes: {
      attach: false,
      async list(handle) {
        const pids = await marked(`GANTRY_SANDBOX=${handle.ref.id}`);
        const lines = await Promise.all(
          pids.map(async (pid) => {
            const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
            return { id: String(pid), pid, command: line.replaceAll('\0', ' ').trim() };
          }),
        );
        return lines.filter(({ command }) => command !== '');
      },
    },
    terminal: {
      resize: true,
      async open(handle, command, size) {
        return openTerminal(command, size, environment(await running(handle.ref.id)));
      },
    },
    ports: {
      async expose(_handle, port) {
        return { url: `http://127.0.0.1:${port}`, headers: {} };
      },
    },
    suspend: {
      modes: ['memory', 'disk'],
      async suspend(handle, mode) {
        const found = await running(handle.ref.id);
        await save({ ...found, suspended: true });
        const signal = mode === 'memory' ? 'SIGSTOP' : 'SIGKILL';
        await signalMarked(`GANTRY_SANDBOX=${found.id}`, signal);
      },
      async resume(ref) {
        const found = await find(ref.id);
        await save({ ...found, suspended: false });
        await signalMarked(`GANTRY_SANDBOX=${found.id}`, 'SIGCONT');
        return handleOf(ref.id);
      },
    },
    nativeSnapshot: {
      kinds: [{ scope: 'workspace', sourceSurvives: true }],
      async take(handle): Promise<NativeSnapshotRef> {
        const id = randomUUID();
        await copyWorkspace(handle.ref.id, id);
        return { spec: 'gantry-native-snapshot/1', provider, id, scope: 'workspace' };
      },
      async create(snapshot, request) {
        if (await hasSnapshot(snapshot.id)) return make(request, snapshotOf(snapshot.id));
        throw new SandboxError('not-found', `there is no native snapshot ${snapshot.id}`);
      },
      remove: (snapshot) => rm(snapshotOf(snapshot.id), { recursive: true, force: true }),
    },
    fork: {
      maxPerCall: 8,
      from: 'live',
      async fork(handle, requests) {
        const { env } = await running(handle.ref.id);
        const copies = requests.map((request) =>
          make({ ...request, env }, workspaceOf(handle.ref.id)),
        );
        return Promise.allSettled(copies);
      },
    },
    watch: {
      recursive: true,
      watch: (handle, directory, { recursive }, call) =>
        changes(directory, recursive, call.signal, async () => Boolean(await load(handle.ref.id))),
    },
    users: {},
    metrics: {
      async read(handle) {
        const pids = await marked(`GANTRY_SANDBOX=${handle.ref.id}`);
        const pages = await Promise.all(
          pids.map(async (pid) => {
            const text = await readFile(`/proc/${pid}/statm`, 'latin1').catch(() => '0 0');
            return Number(text.split(' ')[1]);
          }),
        );
        return { pids: pids.length, memoryBytes: pages.reduce((sum, n) => sum + n, 0) * 4_096 };
      },
    },
    lifetime: {
      async extend(handle, expiresAt) {
        const found = await running(handle.ref.id);
        await save(supervised({ ...found, expiresAt }));
        return expiresAt;
      },
    },
  };
}
