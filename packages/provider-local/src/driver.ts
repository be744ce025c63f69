import {
  type Call,
  type CreateRequest,
  type DriverHandle,
  type SandboxDriver,
  SandboxError,
  type SandboxRef,
} from '@gantry/core/driver';
import { AgentClient } from '@gantry/core/node';
import { buildSandbox, type BuiltSandbox, fifoMode } from './build-sandbox.ts';
import { diagnose, requireAll } from './diagnose.ts';
import { listRecords, sandboxStatus } from './inventory.ts';
import type { ResolvedOptions } from './options.ts';
import { isAlive, removeSandbox, sweepNowAndThen } from './removal.ts';
import { resolveRootfs } from './rootfs.ts';
import { newRecord, type SandboxRecord } from './sandbox-record.ts';
import { reserveUid } from './sandbox-uid.ts';
import { StateDirectory } from './state-directory.ts';
import { WarmPool } from './warm-pool.ts';

interface ProcessHandle extends DriverHandle {
  readonly agent: AgentClient;
  readonly env: Readonly<Record<string, string>>;
}

/** Sandboxes of Linux namespaces: one first process each, and a directory through which every process of the user finds them. */
export function processDriver(options: ResolvedOptions): SandboxDriver<ProcessHandle> {
  const state = new StateDirectory(options.stateDirectory);
  const reference = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'local', id });
  const handle = (record: SandboxRecord, lanes: readonly string[]): ProcessHandle => ({
    ref: reference(record.id),
    env: record.env,
    agent: new AgentClient({
      controlDirectory: state.sandbox(record.id).control,
      fifoMode: fifoMode(record),
      started: lanes.slice(0, 1),
      prepared: lanes.slice(1),
    }),
  });

  const withUid = (record: SandboxRecord): SandboxRecord =>
    process.getuid?.() === 0 ? { ...record, uid: reserveUid(state, record.id) } : record;

  const pool =
    options.warm === 0
      ? undefined
      : new WarmPool({
          count: options.warm,
          async start(id) {
            state.ensure();
            const call = { signal: new AbortController().signal };
            const rootfs = await resolveRootfs(state, options.rootfs, call);
            const record = withUid(
              newRecord({ id, labels: {}, env: {}, maxLifetimeMs: 0 }, 'process'),
            );
            try {
              return await buildSandbox(
                state,
                record,
                { rootfs, mounts: [], warm: true },
                call.signal,
              );
            } catch (error) {
              await removeSandbox(state, record);
              throw error;
            }
          },
          discard: ({ record }) => removeSandbox(state, record),
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
      kill: 'group',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
    },
    mounts: { kinds: ['hostMount'] },
    root: { modes: ['read-only'] },
    network: { modes: ['none'], live: false },
    privilege: { modes: ['none'] },
    inventory: { list: (labels) => listRecords(state, 'process', labels, reference) },

    async probe() {
      requireAll(await diagnose());
      return {};
    },

    diagnose,

    async create(request: CreateRequest, call: Call) {
      call.signal.throwIfAborted();
      state.ensure();
      sweepNowAndThen(state);
      const { mounts = [] } = request;
      const warm =
        mounts.length === 0 && request.resources === undefined ? pool?.take() : undefined;
      let record = newRecord(request, 'process');
      try {
        let built: BuiltSandbox;
        if (warm) {
          const { id, main, keeper, uid } = warm.record;
          record = { ...record, id, main };
          if (keeper) record = { ...record, keeper };
          if (uid !== undefined) record = { ...record, uid };
          built = warm;
        } else {
          const rootfs = await resolveRootfs(state, options.rootfs, call);
          record = withUid(record);
          built = await buildSandbox(state, record, { rootfs, mounts, warm: false }, call.signal);
          record = built.record;
        }
        try {
          state.write(record);
          const created = handle(record, built.lanes);
          call.signal.throwIfAborted();
          const seconds = Math.max(request.maxLifetimeMs / 1000, 0.001).toFixed(3);
          built.launched.go(warm ? seconds : 'go');
          return created;
        } catch (error) {
          await built.launched.abandon();
          throw error;
        }
      } catch (error) {
        await removeSandbox(state, record);
        // Says which of the prerequisites is missing, in place of what one of them did about it.
        const codes = ['failed-precondition', 'unavailable'];
        if (SandboxError.is(error) && codes.includes(error.code)) requireAll(await diagnose());
        throw error;
      }
    },

    async inspect(ref) {
      return sandboxStatus(state.read(ref.id));
    },

    async connect(ref) {
      const record = state.read(ref.id);
      if (!record?.main || !isAlive(record)) {
        throw new SandboxError('not-found', `there is no running sandbox ${ref.id}`, { ref });
      }
      if (record.isolation !== 'process') {
        const message = `sandbox ${ref.id} has no isolation; connect with local({ isolation: 'none' })`;
        throw new SandboxError('failed-precondition', message, { ref });
      }
      const connected = handle(record, []);
      connected.agent.removeAbandoned();
      return connected;
    },

    spawn({ agent, env }, command, call) {
      return agent.spawn({ ...command, env: { ...env, ...command.env } }, call);
    },

    async release({ agent }) {
      agent.close();
    },

    async destroy(ref) {
      const record = state.read(ref.id);
      if (record) await removeSandbox(state, record);
    },
  };
}
