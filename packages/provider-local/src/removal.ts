import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import { isRunning, killProcess, waitUntilGone } from '@gantry/core/node';
import { DirectProcesses, signalGroup } from './direct-processes.ts';
import { isErrno } from './errors.ts';
import { leaveFamily, sweepFamilies } from './fork/layer-family.ts';
import { removeCgroups } from './limits/sandbox-cgroups.ts';
import { removeTree } from './remove-tree.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { freeUid, freeUids } from './sandbox-uid.ts';
import type { StateDirectory } from './state-directory.ts';

/** How long a killed sandbox may take to be gone. */
const goneWithinMs = 30_000;
/** A directory without a record is a create that has just begun, or one that was cut off. */
const unfinishedAfterMs = 60_000;
const sweepEveryMs = 10_000;

/** Whether the sandbox of a record lives. One that is being made is as alive as its maker. */
export function isAlive(record: SandboxRecord): boolean {
  if (isOnDisk(record)) return Date.now() < record.expiresAt;
  return isRunning(record.main ?? record.creator);
}

/** Whether a sandbox is suspended to disk: a workspace and no process. */
export function isOnDisk({ suspended, main }: SandboxRecord): boolean {
  return suspended?.mode === 'disk' && !(main && isRunning(main));
}

/** Ends what runs in a sandbox, removes its directory, and frees its uid. Idempotent. */
export async function removeSandbox(state: StateDirectory, record: SandboxRecord): Promise<void> {
  await endSandbox(state, record);
  await removeDirectory(state, record.id);
  if (record.uid !== undefined) freeUid(state, record.uid, (id) => id === record.id);
  if (record.layers) await leaveFamily(state, record.layers.family, record.id);
}

/** Ends what runs in a sandbox, and keeps its directory. */
export async function endSandbox(state: StateDirectory, record: SandboxRecord): Promise<void> {
  if (record.isolation === 'none') endDirectly(state, record);
  if (record.main) await killProcess(record.main, goneWithinMs);
  // It ends by itself when what it watches over has ended.
  const { keeper } = record;
  if (keeper) {
    await waitUntilGone(keeper, 1_000).catch(() => killProcess(keeper, goneWithinMs));
  }
  await removeCgroups(record.cgroups ?? []);
}

/** Without namespaces nothing dies with the main process: all that is known is killed one by one. */
function endDirectly(state: StateDirectory, record: SandboxRecord): void {
  new DirectProcesses(state.sandbox(record.id).directory).killAll();
  if (record.main && isRunning(record.main)) signalGroup(record.main.pid, 'SIGKILL');
}

/** Removes what dead sandboxes and interrupted removals left behind. Records that cannot be read stay. */
export async function sweep(state: StateDirectory): Promise<void> {
  for (const id of state.ids()) {
    let record: SandboxRecord | undefined;
    try {
      record = state.read(id);
    } catch (error) {
      // `list` and every operation on that sandbox say it; a sweep is for the others.
      if (SandboxError.is(error)) continue;
      throw error;
    }
    if (record ? !isAlive(record) : isOld(state.sandbox(id).directory)) {
      if (record) await removeSandbox(state, record);
      else await removeDirectory(state, id);
    }
  }
  const trash = path.join(state.path, 'trash');
  for (const name of readdirSync(trash)) await removeTree(path.join(trash, name));
  // Looked at one by one: a sandbox that is made meanwhile has its directory before its uid.
  await sweepFamilies(state);
  freeUids(
    state,
    (id) =>
      !existsSync(path.join(state.path, 'sandboxes', id)) &&
      !existsSync(path.join(state.path, 'layers', id)),
  );
}

const lastSweeps = new Map<string, number>();

/** Sweeps unless this process did so a short while ago: a create must not cost more with each sandbox there is. */
export async function sweepNowAndThen(state: StateDirectory): Promise<void> {
  const now = performance.now();
  if (now - (lastSweeps.get(state.path) ?? -Infinity) < sweepEveryMs) return;
  lastSweeps.set(state.path, now);
  await sweep(state).catch((error: unknown) => {
    // What cannot be removed is no reason to make nothing new; `list` sweeps too, and says it.
    if (!SandboxError.is(error)) throw error;
  });
}

/** Removes a sandbox's directory: from then on there is no such sandbox. */
async function removeDirectory(state: StateDirectory, id: string): Promise<void> {
  const { directory } = state.sandbox(id);
  const trash = path.join(state.path, 'trash', `${id}.${randomBytes(4).toString('hex')}`);
  refuseMounts(directory);
  try {
    renameSync(directory, trash);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  await removeTree(trash);
}

function isOld(directory: string): boolean {
  try {
    return Date.now() - statSync(directory).mtimeMs > unfinishedAfterMs;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Sandboxes mount in namespaces of their own. A mount that this process sees is somebody else's. */
function refuseMounts(directory: string): void {
  if (process.platform !== 'linux') return;
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    // Spaces and the like are written in octal, proc_pid_mountinfo(5).
    .map((point) =>
      point.replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
        String.fromCharCode(parseInt(code, 8)),
      ),
    )
    .find((point) => point === directory || point.startsWith(`${directory}/`));
  if (mounted === undefined) return;
  throw new SandboxError(
    'failed-precondition',
    `${mounted} is a mount point inside a sandbox's directory, and removing could reach what is mounted; unmount it first`,
    { details: { mounted } },
  );
}
