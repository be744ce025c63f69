import {
  type Call,
  type CreateRequest,
  type DriverHandle,
  type SandboxDriver,
  SandboxError,
  type SandboxRef,
} from '@gantry/core/driver';
import { AgentClient } from '@gantry/core/node';
import { buildSandbox, fifoMode } from './build-sandbox.ts';
import { diagnose, requireAll } from './diagnose.ts';
import { listRecords, sandboxStatus } from './inventory.ts';
import type { ResolvedOptions } from './options.ts';
import { isAlive, removeSandbox, sweepNowAndThen } from './removal.ts';
import { resolveRootfs } from './rootfs.ts';
import { newRecord, type SandboxRecord } from './sandbox-record.ts';
import { reserveUid } from './sandbox-uid.ts';
import { spawnersOf } from './spawners.ts';
import { StateDirectory } from './state-directory.ts';

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
      started: lanes,
    }),
  });

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
      await sweepNowAndThen(state);
      const rootfs = await resolveRootfs(state, options.rootfs, call);
      let record = newRecord(request, 'process');
      const paths = state.sandbox(record.id);
      const lane = await spawnersOf(state).spares.take(paths);
      try {
        if (process.getuid?.() === 0) record = { ...record, uid: reserveUid(state, record.id) };
        const mounts = request.mounts ?? [];
        const built = await buildSandbox(state, record, lane, rootfs, mounts, call.signal);
        try {
          record = { ...record, main: built.main, keeper: built.keeper };
          state.write(record);
          const created = handle(record, [lane]);
          call.signal.throwIfAborted();
          built.go('go\n');
          return created;
        } catch (error) {
          await built.abandon();
          throw error;
        }
      } catch (error) {
        await removeSandbox(state, record);
        // Says which of the prerequisites is missing, in place of what one of them did about it.
        if (SandboxError.is(error) && error.code === 'failed-precondition') {
          requireAll(await diagnose());
        }
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
