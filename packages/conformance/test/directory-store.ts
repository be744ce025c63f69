import { execFile, spawn } from 'node:child_process';
import { access, chmod, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { SandboxError } from '@gantry/core/driver';

const run = promisify(execFile);

/** Where the sandboxes of the directory subject are kept, for every process of this user. */
export const base: string = path.join(tmpdir(), `gantry-directory-${userInfo().uid}`);
const snapshots = path.join(base, 'snapshots');

/** What is kept of one sandbox. */
export interface StoredSandbox {
  readonly id: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly suspended: boolean;
  readonly supervisor?: number;
}

export const directoryOf = (id: string): string => path.join(base, `sandbox-${id}`);
export const workspaceOf = (id: string): string => path.join(directoryOf(id), 'workspace');
export const snapshotOf = (id: string): string => path.join(snapshots, id);

/** Makes a sandbox, its workspace a copy of a directory where one is given. */
export async function store(sandbox: StoredSandbox, copyOf?: string): Promise<void> {
  const directory = directoryOf(sandbox.id);
  await mkdir(directory, { recursive: true });
  if (copyOf === undefined) await mkdir(workspaceOf(sandbox.id));
  else await run('cp', ['-a', '--', copyOf, workspaceOf(sandbox.id)]);
  await chmod(workspaceOf(sandbox.id), 0o777);
  await save(supervised(sandbox));
}

export async function save(sandbox: StoredSandbox): Promise<void> {
  const file = path.join(directoryOf(sandbox.id), 'state.json');
  await writeFile(`${file}.new`, JSON.stringify(sandbox));
  await rename(`${file}.new`, file);
}

/** The sandbox, or undefined when it is confirmed to be gone. */
export async function load(id: string): Promise<StoredSandbox | undefined> {
  try {
    const text = await readFile(path.join(directoryOf(id), 'state.json'), 'utf8');
    return JSON.parse(text) as StoredSandbox;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function find(id: string): Promise<StoredSandbox> {
  const found = await load(id);
  if (!found) throw new SandboxError('not-found', `there is no sandbox ${id}`);
  return found;
}

export async function storedIds(): Promise<string[]> {
  const names = await readdir(base).catch(() => []);
  return names.flatMap((name) => (name.startsWith('sandbox-') ? [name.slice(8)] : []));
}

/** Ends everything of a sandbox. */
export async function discard(id: string): Promise<void> {
  const found = await load(id);
  if (found?.supervisor !== undefined) killQuietly(found.supervisor, 'SIGKILL');
  for (let round = 0; ; round++) {
    await signalMarked(`GANTRY_SANDBOX=${id}`, 'SIGKILL');
    try {
      // Programs get to paths that are longer than a system call takes.
      await run('rm', ['-rf', '--', directoryOf(id)]);
      return;
    } catch (error) {
      // What was just forked wrote once more before it was killed, or a directory is closed to its own user.
      if (round === 20) throw error;
      await run('find', [directoryOf(id), '-type', 'd', '-exec', 'chmod', 'u+rwx', '{}', '+']);
    }
  }
}

/** Takes a copy of a workspace. */
export async function copyWorkspace(id: string, snapshot: string): Promise<void> {
  await mkdir(snapshots, { recursive: true });
  await run('cp', ['-a', '--', workspaceOf(id), snapshotOf(snapshot)]);
}

export async function hasSnapshot(id: string): Promise<boolean> {
  return access(snapshotOf(id)).then(
    () => true,
    () => false,
  );
}

/** A shell of its own ends the sandbox at its time, whatever becomes of this process. */
export function supervised(sandbox: StoredSandbox): StoredSandbox {
  if (sandbox.supervisor !== undefined) killQuietly(sandbox.supervisor, 'SIGKILL');
  const seconds = Math.max(0, sandbox.expiresAt - Date.now()) / 1_000;
  const script = `sleep "$1"
for p in $(grep -lsz "^GANTRY_SANDBOX=$2$" /proc/[0-9]*/environ); do p=\${p#/proc/}; kill -9 "\${p%/environ}"; done
rm -rf -- "$3"`;
  const child = spawn(
    '/bin/sh',
    ['-c', script, 'supervisor', String(seconds), sandbox.id, directoryOf(sandbox.id)],
    { detached: true, stdio: 'ignore', cwd: '/', env: { PATH: '/usr/bin:/bin' } },
  );
  child.unref();
  return { ...sandbox, ...(child.pid === undefined ? {} : { supervisor: -child.pid }) };
}

/** The processes whose environment holds an entry. */
export async function marked(entry: string): Promise<number[]> {
  const names = await readdir('/proc');
  return names.flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // Synchronous: a process must not fork between its listing and its signal.
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1');
      return `\0${environment}`.includes(`\0${entry}\0`) ? [Number(name)] : [];
    } catch {
      return []; // It has ended.
    }
  });
}

export async function signalMarked(entry: string, signal: NodeJS.Signals): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const found = await marked(entry);
    for (const pid of found) killQuietly(pid, signal);
    if (found.length === 0 || signal !== 'SIGKILL') return;
  }
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
