import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  type Command,
  type DriverHandle,
  type DriverProcess,
  type ExitStatus,
  type SandboxDriver,
  type SandboxRef,
  type Signal,
} from '@gantry/core/driver';
import { gone, noDirectory } from './errors.ts';

/** What this driver needs of a live sandbox beside its ref. */
interface SkeletonHandle extends DriverHandle {
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
  /** Process groups of the commands that run. */
  readonly groups: Set<number>;
}

/** Sandboxes of this process only: replace it by what your vendor keeps, so that `connect` works from anywhere. */
const sandboxes = new Map<string, SkeletonHandle>();

const refOf = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'skeleton', id });

function find(ref: SandboxRef): SkeletonHandle {
  const found = sandboxes.get(ref.id);
  if (!found) throw gone(ref.id);
  return found;
}

/** Plain processes in a temporary directory, as a place to start from: replace each function by your vendor's call. */
export function skeletonDriver(): SandboxDriver<SkeletonHandle> {
  return {
    spec: 'gantry-driver/1',
    id: 'skeleton',
    // Facts that the suite measures. Claim what is true of your vendor, no more and no less.
    traits: {
      isolation: 'none',
      output: 'bytes',
      stdin: 'stream',
      exit: 'exact',
      kill: 'group',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
    },
    async create(request) {
      const workspace = mkdtempSync(path.join(tmpdir(), 'gantry-skeleton-'));
      const { id, env } = request;
      const made = { ref: refOf(id), workspace, env, groups: new Set<number>() };
      sandboxes.set(id, made);
      return made;
    },
    async inspect(ref) {
      return { state: sandboxes.has(ref.id) ? 'running' : 'gone' };
    },
    async connect(ref) {
      return find(ref);
    },
    async spawn(handle, command) {
      return start(find(handle.ref), command);
    },
    async release() {
      // Close sockets here. The sandbox itself stays.
    },
    async destroy(ref) {
      const found = sandboxes.get(ref.id);
      if (!found) return;
      for (const group of found.groups) signalGroup(group, 'SIGKILL');
      rmSync(found.workspace, { recursive: true, force: true });
      sandboxes.delete(ref.id);
    },
    // Optional capabilities are objects here: `terminal: { resize: true, open }`. Leave out what there is not.
  };
}

function start({ env, groups }: SkeletonHandle, command: Command): DriverProcess {
  const directory = statSync(command.cwd, { throwIfNoEntry: false });
  if (!directory?.isDirectory()) throw noDirectory(command.cwd);
  // env(1) ends with 127 for a program that is not there and with 126 for one that cannot run.
  const child = spawn('/usr/bin/env', ['--', ...command.argv], {
    cwd: command.cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env, ...command.env },
    detached: true,
    stdio: 'pipe',
  });
  const { pid } = child;
  if (pid !== undefined) groups.add(pid);
  const exit = new Promise<ExitStatus>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(code === null ? { signal: signal as Signal } : { code });
    });
  });
  exit.catch(() => undefined); // Whoever waits for it hears of it.
  child.stdin.on('error', () => undefined); // A program may end before it has read everything.
  if (command.stdin === 'none') child.stdin.end();
  else if (command.stdin !== 'stream') child.stdin.end(command.stdin);
  return {
    ...(pid === undefined ? {} : { pid }),
    ...(command.stdin === 'stream' ? { stdin: Writable.toWeb(child.stdin) } : {}),
    stdout: Readable.toWeb(child.stdout),
    stderr: Readable.toWeb(child.stderr),
    exit,
    async kill(signal = 'SIGKILL') {
      if (pid !== undefined) signalGroup(pid, signal);
    },
  };
}

function signalGroup(group: number, signal: Signal): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    // It has ended: that is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
