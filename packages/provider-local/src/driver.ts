import {
  type Call,
  type CreateRequest,
  type DriverHandle,
  type SandboxDriver,
  SandboxError,
  type SandboxRef,
} from '@gantry/core/driver';
import { AgentClient, guestNetwork, type ProcessIdentity } from '@gantry/core/node';
import { type BuiltSandbox, fifoMode } from './build-sandbox.ts';
import { startSandbox, startUnused } from './start-sandbox.ts';
import { advanceMark, allEntries, changesSince, markWorkspace } from './changes/changes.ts';
import { type WorkspaceView, workspaceView } from './changes/workspace-view.ts';
import { probeOverlay, requireOverlay } from './copy-on-write/overlay-probe.ts';
import { diagnose, requireAll } from './diagnose.ts';
import { signalCommand } from './kill/signal-command.ts';
import type { CgroupDirectory } from './limits/find-cgroups.ts';
import { readMetrics } from './limits/metrics.ts';
import { outOfMemoryKills, watchMemory } from './limits/out-of-memory.ts';
import { hostLimits, narrowedBy, planLimits } from './limits/plan-limits.ts';
import { withProcessReserve } from './limits/process-reserve.ts';
import { listRecords, sandboxStatus, unreadableRecords } from './inventory.ts';
import type { ResolvedOptions } from './options.ts';
import { forkSandboxes } from './fork/fork-sandboxes.ts';
import { ownWorkspace } from './fork/layered-workspace.ts';
import { findPortsEntry } from './ports/network-finding.ts';
import { PortForwarder } from './ports/port-forwarder.ts';
import { DetachedProcesses } from './processes/detached-processes.ts';
import { listProcesses } from './processes/list-processes.ts';
import { removeSandbox, sweepNowAndThen } from './removal.ts';
import { resolveRootfs, type Unpack } from './rootfs.ts';
import { newRecord, type SandboxRecord, takenRecord } from './sandbox-record.ts';
import { requireRunning, resumeSandbox, suspendSandbox } from './suspend/sandbox-suspension.ts';
import { StateDirectory } from './state-directory.ts';
import { openTerminal } from './terminal.ts';
import { watchDirectory } from './watch/watch-directory.ts';
import { unpackRootfs } from './unpack-rootfs.ts';
import { WarmPool, type WarmSandbox } from './warm-pool.ts';

interface ProcessHandle extends DriverHandle {
  readonly agent: AgentClient;
  readonly env: Readonly<Record<string, string>>;
  readonly cgroups: readonly CgroupDirectory[];
  readonly main: ProcessIdentity;
  readonly uid: number | undefined;
  readonly ports: PortForwarder;
  readonly interceptor: guestNetwork.Interceptor;
  readonly detached: DetachedProcesses;
}

/** Sandboxes of Linux namespaces: one first process each, and a directory through which every process of the user finds them. */
export function processDriver(options: ResolvedOptions): SandboxDriver<ProcessHandle> {
  const state = new StateDirectory(options.stateDirectory);
  const isRoot = process.getuid?.() === 0;
  const reference = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'local', id });
  const handle = (
    record: SandboxRecord & { readonly main: ProcessIdentity },
    lanes: Pick<BuiltSandbox, 'started' | 'prepared'> = { started: [], prepared: [] },
  ): ProcessHandle => {
    const { limits, root, layers } = record;
    const { control, detached } = state.sandbox(record.id);
    const link = { controlDirectory: control, fifoMode: fifoMode(record) };
    const agent = new AgentClient({
      ...link,
      ...{ started: lanes.started, prepared: lanes.prepared },
      signalCommand: (mark, signal) => signalCommand(record.main, mark, signal),
      ...(limits
        ? { withReserve: (work) => withProcessReserve(record.cgroups ?? [], limits.pids, work) }
        : {}),
    });
    return {
      ref: reference(record.id),
      env: record.env,
      cgroups: record.cgroups ?? [],
      ...(limits ? { narrowed: narrowedBy({ limits, root, layers }, hostLimits()) } : {}),
      main: record.main,
      agent,
      uid: record.uid,
      ports: new PortForwarder(record.main, record.uid),
      interceptor: new guestNetwork.Interceptor(),
      detached: new DetachedProcesses({ ...link, directory: detached, main: record.main }),
    };
  };

  const view = async (ref: SandboxRef): Promise<WorkspaceView> =>
    workspaceView(state, requireRunning(state.read(ref.id), ref));

  const unpack: Unpack = (file, destination, call) => {
    const { isolation, stateDirectory } = options;
    const plain = processDriver({ isolation, stateDirectory });
    const workspaceOf = ({ ref }: ProcessHandle): string => state.sandbox(ref.id).workspace;
    return unpackRootfs(plain, workspaceOf, file, destination, call);
  };

  const start = async (
    fresh: SandboxRecord,
    call: Call,
    warm?: BuiltSandbox,
  ): Promise<ProcessHandle> => startSandbox(state, fresh, call, handle, warm);

  const startWarm = async (id: string): Promise<WarmSandbox> => {
    state.ensure();
    const call = { signal: new AbortController().signal };
    const rootfs = await resolveRootfs(state, options.rootfs, unpack, call);
    const rebuild = { mounts: [], ...(rootfs === undefined ? {} : { rootfs }) };
    const fresh = newRecord({ id, labels: {}, env: {}, maxLifetimeMs: 0 }, 'process');
    return startUnused(
      state,
      { ...fresh, limits: planLimits({}, hostLimits()), rebuild },
      call.signal,
    );
  };

  const { warm: count = 0 } = options;
  const pool =
    count === 0
      ? undefined
      : new WarmPool({
          count,
          start: startWarm,
          discard: ({ record, built }) => {
            const { main, keeper, timer } = built;
            return removeSandbox(state, { ...record, main, keeper, timer });
          },
        });
  pool?.fill();

  return {
    spec: 'gantry-driver/1',
    id: 'local',
    traits: {
      isolation: 'process',
      output: 'bytes',
      stdin: 'stream',
      // A shell says in words which signal ended a command, but not for SIGINT and SIGPIPE.
      exit: 'shell-encoded',
      kill: 'tree',
      limits: { memory: 'enforced', pids: 'enforced', cpu: 'enforced', disk: 'enforced' },
    },
    mounts: { kinds: ['hostMount'] },
    root: { modes: ['read-only', 'copy-on-write'] },
    network: {
      modes: ['none'],
      live: false,
      intercept: ({ interceptor, main, uid }, port, onConnection, call) =>
        interceptor.intercept({ main, uid }, port, onConnection, call),
    },
    privilege: { modes: ['none'] },
    terminal: {
      resize: true,
      open: ({ agent, env }, command, size, call) =>
        openTerminal(agent, { ...command, env: { ...env, ...command.env } }, size, call),
    },
    ports: { expose: ({ ports }, port, call) => ports.expose(port, call) },
    processes: {
      attach: true,
      attachTo: async ({ detached }, id, from) => detached.attach(id, from),
      list: ({ main, detached }) => listProcesses(main, detached.running()),
    },
    watch: {
      recursive: true,
      watch: ({ main }, directory, how, call) => watchDirectory(main, directory, how, call),
    },
    changes: {
      evidence: 'host-layer',
      mark: async ({ ref }, call) => markWorkspace(await view(ref), call),
      async *since({ ref }, mark, call) {
        yield* changesSince(await view(ref), mark, call);
      },
      async *advance({ ref }, mark, call) {
        return yield* advanceMark(await view(ref), mark, call);
      },
      // Who is not root may not be able to read what a uid of the sandbox's has closed; programs in it are.
      ...(isRoot
        ? {
            async *all({ ref }, call) {
              return yield* allEntries(await view(ref), call);
            },
          }
        : {}),
    },
    inventory: { list: (labels) => listRecords(state, 'process', labels, reference) },

    async probe() {
      requireAll(await diagnose());
      const [entry, overlay] = await Promise.all([findPortsEntry(), probeOverlay(state)]);
      const { limits, settable } = hostLimits();
      return {
        limits,
        resources: { settable },
        ...(entry.ok ? {} : { ports: false as const, network: { modes: ['none'] as const } }),
        ...(overlay.ok ? {} : { root: { modes: ['read-only'] as const }, fork: false as const }),
      };
    },

    resources: { settable: ['cpus', 'memoryBytes', 'pids', 'diskBytes'] },
    metrics: {
      async read({ ref }) {
        const record = requireRunning(state.read(ref.id), ref);
        return readMetrics(record, ownWorkspace(state.sandbox(ref.id), record));
      },
    },
    suspend: {
      modes: ['memory', 'disk'],
      suspend: ({ ref }, mode) => suspendSandbox(state, ref, mode),
      async resume(ref, call) {
        let resumed: ProcessHandle | undefined;
        const record = await resumeSandbox(state, ref, call, (anew, built) => {
          resumed = handle(anew, built);
        });
        return resumed ?? handle(record);
      },
    },

    async diagnose() {
      const findings = await diagnose();
      // What comes on top of a sandbox matters once there can be one.
      const records = unreadableRecords(state);
      if (!findings.every(({ ok }) => ok)) return [...findings, ...records];
      return [...findings, await findPortsEntry(), await probeOverlay(state), ...records];
    },

    async create(request: CreateRequest, call: Call) {
      call.signal.throwIfAborted();
      const limits = planLimits(request.resources ?? {}, hostLimits());
      state.ensure();
      if (request.root === 'copy-on-write') await requireOverlay(state);
      sweepNowAndThen(state);
      const { mounts = [], resources, root = 'read-only' } = request;
      const fits = mounts.length === 0 && resources === undefined && root === 'read-only';
      const warm = fits ? pool?.take() : undefined;
      if (warm) return start(takenRecord(request, warm.record), call, warm.built);
      const rootfs = await resolveRootfs(state, options.rootfs, unpack, call);
      const rebuild = { mounts, ...(rootfs === undefined ? {} : { rootfs }) };
      return start({ ...newRecord(request, 'process'), limits, rebuild }, call);
    },

    fork: {
      maxPerCall: 1_000,
      from: 'live',
      async fork({ ref }, requests, call) {
        const source = requireRunning(state.read(ref.id), ref);
        await requireOverlay(state);
        return forkSandboxes(state, source, requests, call, start);
      },
    },

    async inspect(ref) {
      return sandboxStatus(state.read(ref.id));
    },

    async connect(ref) {
      const record = requireRunning(state.read(ref.id), ref);
      if (record.isolation !== 'process') {
        const message = `sandbox ${ref.id} has no isolation; connect with local({ isolation: 'none' })`;
        throw new SandboxError('failed-precondition', message, { ref });
      }
      const connected = handle({ ...record, main: record.main });
      connected.agent.removeAbandoned();
      return connected;
    },

    async spawn({ agent, env, ref, cgroups, detached }, command, call) {
      requireRunning(state.read(ref.id), ref);
      const before = outOfMemoryKills(cgroups);
      const starter = command.detached ? detached : agent;
      const started = await starter.spawn({ ...command, env: { ...env, ...command.env } }, call);
      return watchMemory(started, cgroups, before);
    },

    async release({ agent, ports, interceptor, detached }) {
      detached.release();
      interceptor.close();
      ports.close();
      agent.close();
    },

    async destroy(ref) {
      const record = state.read(ref.id);
      if (record) await removeSandbox(state, record);
    },
  };
}
