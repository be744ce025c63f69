import { spawn as spawnChild } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import type {
  Command,
  DriverHandle,
  DriverProcess,
  ExitStatus,
  SandboxDriver,
  Signal,
  Traits,
} from '../src/driver.ts';
import { SandboxError } from '../src/driver.ts';

/** The smallest honest driver: processes of the host in a temporary directory, no isolation. */
export interface HostHandle extends DriverHandle {
  readonly workspace: string;
}

/** What a test may set: other traits, and the shell tools that commands find. */
export interface HostDriverOptions {
  readonly traits?: Partial<Traits>;
  /** Directory searched before the host's own programs; for busybox. */
  readonly toolDirectory?: string;
  /** Runs processes as this user, so that permissions mean something to a root caller. */
  readonly uid?: number;
}

/** Makes a driver for core's own tests. Its sandboxes are directories; nothing outlives `destroy`. */
export function hostDriver(options: HostDriverOptions = {}): SandboxDriver<HostHandle> {
  const sandboxes = new Map<string, { directory: string; env: Readonly<Record<string, string>> }>();
  const find = (id: string): { directory: string; env: Readonly<Record<string, string>> } => {
    const found = sandboxes.get(id);
    if (!found) throw new SandboxError('not-found', `there is no sandbox ${id}`);
    return found;
  };
  const handleOf = (id: string): HostHandle => ({
    ref: { spec: 'gantry-ref/1', provider: 'host', id },
    workspace: find(id).directory,
  });
  return {
    spec: 'gantry-driver/1',
    id: 'host',
    traits: {
      isolation: 'none',
      output: 'bytes',
      stdin: 'stream',
      exit: 'exact',
      kill: 'group',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
      ...options.traits,
    },
    async create(request) {
      // In a place of its own: what a link to `..` leads to is nobody else's.
      const place = await realpath(await mkdtemp(path.join(tmpdir(), 'gantry-host-')));
      const directory = path.join(place, 'workspace');
      await mkdir(directory);
      if (options.uid !== undefined) {
        await chmod(place, 0o755);
        await chmod(directory, 0o777);
      }
      sandboxes.set(request.id, { directory, env: request.env });
      return handleOf(request.id);
    },
    async inspect(ref) {
      return { state: sandboxes.has(ref.id) ? 'running' : 'gone' };
    },
    async connect(ref) {
      return handleOf(ref.id);
    },
    async spawn(handle, command) {
      const { env } = find(handle.ref.id);
      const tools = options.toolDirectory === undefined ? '' : `${options.toolDirectory}:`;
      const PATH = `${tools}/usr/local/bin:/usr/bin:/bin`;
      return startOnHost(command, { PATH, ...env, ...command.env }, options.uid);
    },
    async release() {
      // Nothing local is held.
    },
    async destroy(ref) {
      const found = sandboxes.get(ref.id);
      sandboxes.delete(ref.id);
      if (found) await rm(path.dirname(found.directory), { recursive: true, force: true });
    },
  };
}

/** Starts a command as a process group of the host. */
export async function startOnHost(
  command: Command,
  env: Record<string, string>,
  uid: number | undefined,
): Promise<DriverProcess> {
  const directory = await stat(command.cwd).catch(() => undefined);
  if (!directory?.isDirectory()) {
    throw new SandboxError('failed-precondition', `${command.cwd} is no directory`, {
      details: { reason: 'cwd' },
    });
  }
  const [program, ...args] = command.argv;
  // Through `env`, a missing program ends with 127 and one that cannot run with 126, as POSIX says.
  const child = spawnChild('/usr/bin/env', ['--', program, ...args], {
    cwd: command.cwd,
    env,
    detached: true,
    stdio: 'pipe',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const exit = new Promise<ExitStatus>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code === null ? { signal: signal as Signal } : { code }),
    );
  });
  child.stdin.on('error', () => undefined); // A process may end before it has read everything.
  if (command.stdin === 'none') child.stdin.end();
  else if (command.stdin !== 'stream') child.stdin.end(command.stdin);
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    ...(command.stdin === 'stream'
      ? { stdin: Writable.toWeb(child.stdin) as WritableStream<Uint8Array> }
      : {}),
    stdout: Readable.toWeb(child.stdout),
    stderr: Readable.toWeb(child.stderr),
    exit,
    async kill(signal = 'SIGKILL') {
      // One that could not be started has no group; group 0 would be the test's own.
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
}
