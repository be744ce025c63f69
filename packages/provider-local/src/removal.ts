import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { DirectProcesses, signalGroup } from './direct-processes.ts';
import { isErrno } from './errors.ts';
import { leaveFamily, sweepFamilies } from './fork/layer-family.ts';
import { hostLimits } from './limits/plan-limits.ts';
import { removeCgroups, removeIfEmpty } from './limits/sandbox-cgroups.ts';
import { removeTree } from './remove-tree.ts';
import { sandboxEnd } from './sandbox-end.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { freeUid, freeUids } from './sandbox-uid.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';

/** How long a killed sandbox may take to be gone. */
const goneWithinMs = 30_000;
/** A sandbox says that it has ended, unless it is frozen: after this time it is looked for. */
const endWithinMs = 1_000;
/** A directory without a record is a create that has just begun, or one that was cut off. */
const unfinishedAfterMs = 60_000;
const sweepEveryMs = 10_000;

/** Whether the sandbox of a record lives. One that is being made is as alive as its maker. */
export function isAlive(record: SandboxRecord): boolean {
  if (isOnDisk(record)) return Date.now() < record.expiresAt;
  return hostProcess.isRunning(record.main ?? record.creator);
}

/** Whether a sandbox is suspended to disk: a workspace and no process. */
export function isOnDisk({ suspended, main }: SandboxRecord): boolean {
  return suspended?.mode === 'disk' && !(main && hostProcess.isRunning(main));
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
  if (record.isolation === 'none') await endDirectly(state, record);
  if (record.main && hostProcess.isRunning(record.main)) {
    const { report } = state.sandbox(record.id);
    await hostProcess.killProcess(record.main, goneWithinMs, sandboxEnd(report, endWithinMs));
  }
  // It ends by itself when what it watches over has ended.
  const { keeper } = record;
  if (keeper) {
    await hostProcess
      .waitUntilGone(keeper, 1_000)
      .catch(() => hostProcess.killProcess(keeper, goneWithinMs));
  }
  // Left over by a keeper that somebody has killed. SIGTERM: it ends a child of its own first.
  if (record.timer && hostProcess.isRunning(record.timer)) terminate(record.timer.pid);
  await removeCgroups(record.cgroups ?? []);
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/** Without namespaces nothing dies with the main process: all that is known is killed one by one. */
async function endDirectly(state: StateDirectory, record: SandboxRecord): Promise<void> {
  // First: while it runs it could remove the directory.
  if (record.main && hostProcess.isRunning(record.main)) signalGroup(record.main.pid, 'SIGKILL');
  await new DirectProcesses(state.sandbox(record.id).directory).killAll();
}

/** Removes what dead sandboxes and interrupted removals left behind. Records that cannot be read stay. */
export async function sweep(state: StateDirectory): Promise<void> {
  if (!existsSync(state.path)) return;
  for (const [index, id] of state.ids().entries()) {
    // With a thousand sandboxes, other work goes on in between.
    if (index % 20 === 19) await nextTurn();
    let record: SandboxRecord | undefined;
    try {
      record = state.read(id);
    } catch (error) {
      // `list` and every operation on that sandbox say it; a sweep is for the others.
      if (SandboxError.is(error)) continue;
      throw error;
    }
    if (record ? !isAlive(record) : isAbandoned(state.sandbox(id))) {
      if (record) await removeSandbox(state, record);
      else {
        await removeCreatorsCgroups(state.sandbox(id).creator);
        await removeDirectory(state, id);
      }
    }
  }
  const spares = path.join(state.path, 'spares');
  for (const name of entries(spares)) {
    if (isCreatorRunning(name)) continue;
    await removeCreatorsCgroups(path.join(spares, name, 'creator'));
    await removeTree(path.join(spares, name));
  }
  await removeAbandonedCgroups();
  const trash = path.join(state.path, 'trash');
  for (const name of entries(trash)) await removeTree(path.join(trash, name));
  await sweepFamilies(state);
  // Looked at one by one: a sandbox that is made meanwhile has its directory before its uid.
  freeUids(state, (id) =>
    ['sandboxes', 'spares', 'layers'].every((name) => !existsSync(path.join(state.path, name, id))),
  );
}

const lastSweeps = new Map<string, number>();

/**
 * Sweeps in the background, unless this process did so a short while ago: a create must not cost more with
 * each sandbox there is. A sweep that fails is a warning; `list`, which sweeps too, rejects with the reason.
 */
export function sweepNowAndThen(state: StateDirectory): void {
  const now = performance.now();
  if (now - (lastSweeps.get(state.path) ?? -Infinity) < sweepEveryMs) return;
  lastSweeps.set(state.path, now);
  setTimeout(() => {
    sweep(state).catch((error: unknown) => {
      process.emitWarning(`what dead sandboxes left behind could not be removed: ${String(error)}`);
    });
  }, 100).unref();
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

/** The names in a directory; none where there is none. */
function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Removes the control groups that a file `creator` names: until there is a record, nothing else does. */
async function removeCreatorsCgroups(creator: string): Promise<void> {
  let text: string;
  try {
    text = readFileSync(creator, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return;
    throw error;
  }
  const [name = '', ...groups] = text.trim().split('\n');
  await removeCgroups(
    groups
      .filter((group) => path.isAbsolute(group) && path.basename(group) === `gantry-${name}`)
      .map((group) => ({ path: group })),
  );
}

/**
 * Removes empty control groups of spares whose maker is gone, from whichever state directory: that may be gone as
 * well. One with a process in it is a sandbox's, and stays.
 */
async function removeAbandonedCgroups(): Promise<void> {
  for (const parent of hostLimits().cgroups) {
    for (const [index, entry] of entries(parent.path).entries()) {
      if (index % 50 === 49) await nextTurn();
      const name = /^gantry-(\d+-\d+-[0-9a-f]{8})$/.exec(entry)?.[1];
      const directory = path.join(parent.path, entry);
      if (name === undefined || isCreatorRunning(name) || !isOld(directory)) continue;
      removeIfEmpty(directory);
    }
  }
}

/** Whether whoever began to make a sandbox is gone. */
function isAbandoned({ directory, creator }: SandboxPaths): boolean {
  try {
    return !isCreatorRunning(readFileSync(creator, 'utf8').trim());
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  return isOld(directory);
}

/** Whether a directory has been as it is for a while. */
function isOld(directory: string): boolean {
  try {
    return Date.now() - statSync(directory).mtimeMs > unfinishedAfterMs;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** `text` begins with the name of a spare; anything else is nobody's. */
function isCreatorRunning(text: string): boolean {
  const [, pid, startTime] = /^(\d+)-(\d+)(?:-|$)/.exec(text) ?? [];
  if (pid === undefined || startTime === undefined) return false;
  return hostProcess.isRunning({ ...hostProcess.ownIdentity(), pid: Number(pid), startTime });
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
