import { spawn } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import {
  type DriverHandle,
  type SandboxDriver,
  SandboxError,
  type SandboxRef,
} from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { DirectProcesses } from './direct-processes.ts';
import { directSpawn } from './direct-spawn.ts';
import { refusedToStart } from './errors.ts';
import { listRecords, sandboxStatus, unreadableRecords } from './inventory.ts';
import type { ResolvedOptions } from './options.ts';
import { findMarker, markRange } from './kill/marks.ts';
import { isAlive, removeSandbox, sweepNowAndThen } from './removal.ts';
import { newRecord, type SandboxRecord } from './sandbox-record.ts';
import { StateDirectory } from './state-directory.ts';

interface DirectHandle extends DriverHandle {
  readonly workspace: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Aborted when the handle is let go of. */
  readonly release: AbortController;
}

// Ends the sandbox when its time is over, whoever made it. Killed with its group when that is sooner.
// Without marks the third argument is empty. What is killed may have started another meanwhile, so it looks
// until it finds nobody.
const keeperScript = `sleep "$1"
for file in "$2"/processes/*; do
  name=\${file##*/}
  kill -s KILL -- "-\${name%%-*}"
done
found=$3
while [ -n "$found" ]; do
  found=
  for limits in /proc/[0-9]*/limits; do
    while read -r one two three soft hard rest; do
      [ "$one $two $three" = 'Max file size' ] || continue
      case $hard in *[!0-9]*|'') continue 2 ;; esac
      [ "$hard" -ge "$3" ] && [ "$hard" -lt "$4" ] || continue 2
      process=\${limits%/limits}
      read -r stat <"$process/stat"
      case \${stat##*) } in [ZX]*) continue 2 ;; esac
      kill -s KILL "\${process##*/}" && found=yes
    done <"$limits"
  done 2>/dev/null
done
rm -rf -- "$2"
`;

/** Directories of the host, and commands that run as the caller. No isolation of any kind. */
export function directDriver(options: ResolvedOptions): SandboxDriver<DirectHandle> {
  const state = new StateDirectory(options.stateDirectory);
  const marker = findMarker();
  const reference = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'local', id });
  const handle = (record: SandboxRecord): DirectHandle => {
    const { directory, workspace } = state.sandbox(record.id);
    return {
      ...{ ref: reference(record.id), directory, env: record.env },
      workspace: realpathSync(workspace),
      release: new AbortController(),
    };
  };

  return {
    spec: 'gantry-driver/1',
    id: 'local',
    traits: {
      isolation: 'none',
      output: 'bytes',
      stdin: 'stream',
      exit: 'exact',
      kill: marker === undefined ? 'group' : 'tree',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
    },
    inventory: { list: (labels) => listRecords(state, 'none', labels, reference) },

    diagnose: () =>
      Promise.resolve([
        {
          ...{ control: 'isolation', ok: true },
          message: 'none, as asked for: commands may do all that their caller may do',
        },
        ...unreadableRecords(state),
      ]),

    async create(request, call) {
      call.signal.throwIfAborted();
      state.ensure();
      sweepNowAndThen(state);
      let record = newRecord(request, 'none');
      const { directory, workspace } = state.sandbox(record.id);
      mkdirSync(directory, { mode: 0o700 });
      try {
        state.write(record);
        for (const name of [workspace, path.join(directory, 'tmp')])
          mkdirSync(name, { mode: 0o700 });
        const mark = new DirectProcesses(directory).prepare(marker !== undefined);
        record = { ...record, main: await startKeeper(directory, request.maxLifetimeMs, mark) };
        state.write(record);
        call.signal.throwIfAborted();
        return handle(record);
      } catch (error) {
        await removeSandbox(state, record);
        throw error;
      }
    },

    async inspect(ref) {
      return sandboxStatus(state.read(ref.id));
    },

    async connect(ref) {
      const record = requireAlive(state.read(ref.id), ref);
      if (record.isolation !== 'none') {
        const message = `sandbox ${ref.id} is isolated; connect with local() without isolation "none"`;
        throw new SandboxError('failed-precondition', message, { ref });
      }
      return handle(record);
    },

    async spawn({ ref, directory, workspace, env, release }, command) {
      requireAlive(state.read(ref.id), ref);
      const base = {
        PATH: process.env['PATH'],
        HOME: workspace,
        TMPDIR: path.join(directory, 'tmp'),
        PWD: command.cwd,
      };
      return directSpawn(
        command,
        { ...base, ...env, ...command.env },
        new DirectProcesses(directory),
        { marker, release: release.signal },
      );
    },

    async release({ release }) {
      release.abort();
    },

    async destroy(ref) {
      const record = state.read(ref.id);
      if (record) await removeSandbox(state, record);
    },
  };
}

function requireAlive(record: SandboxRecord | undefined, ref: SandboxRef): SandboxRecord {
  if (record?.main && isAlive(record)) return record;
  throw new SandboxError('not-found', `there is no running sandbox ${ref.id}`, {
    ...{ ref, outcome: 'not-started' },
  });
}

async function startKeeper(
  directory: string,
  lifetimeMs: number,
  mark: string,
): Promise<ProcessIdentity> {
  const seconds = String(Math.max(1, Math.ceil(lifetimeMs / 1000)));
  const range = mark === '' ? undefined : markRange(BigInt(mark));
  const marks = range ? [mark, String(range.first + range.count)] : ['', ''];
  const child = spawn('sh', ['-c', keeperScript, 'gantry-keeper', seconds, directory, ...marks], {
    ...{ detached: true, stdio: 'ignore', cwd: '/', env: { PATH: process.env['PATH'] } },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  const identity = child.pid === undefined ? undefined : hostProcess.identifyProcess(child.pid);
  if (!identity) throw refusedToStart('the process that keeps its time ended at once');
  return identity;
}
