import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { isErrno } from '../errors.ts';
import type { CgroupControl, CgroupDirectory } from './find-cgroups.ts';
import type { SandboxLimits } from './plan-limits.ts';

/** The kernel lets a group go a moment after its last process. */
const emptyWithinMs = 10_000;
/** How long the end of this process may take because of that. */
const gonePatienceMs = 200;
const periodMicroseconds = 100_000;

/** The control groups of one sandbox below those found; nothing is made yet. */
export function cgroupsFor(id: string, found: readonly CgroupDirectory[]): CgroupDirectory[] {
  return found.map((parent) => ({ ...parent, path: path.join(parent.path, `gantry-${id}`) }));
}

/** Sets a sandbox's limits in its control groups, which are there and have none yet. */
export function limitCgroups(cgroups: readonly CgroupDirectory[], limits: SandboxLimits): void {
  for (const cgroup of cgroups) {
    for (const [file, value] of settings(cgroup, limits)) {
      writeFileSync(path.join(cgroup.path, file), value);
    }
    if (cgroup.controls.includes('memory')) forbidSwap(cgroup, limits);
  }
}

function settings(
  { version, controls }: CgroupDirectory,
  limits: SandboxLimits,
): [string, string][] {
  const { memoryBytes, pids, cpus } = limits;
  const has = (control: CgroupControl): boolean => controls.includes(control);
  const quota = cpus === undefined ? 0 : Math.max(1_000, Math.round(cpus * periodMicroseconds));
  return [
    ...(has('memory') && memoryBytes !== undefined
      ? [pair(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', memoryBytes)]
      : []),
    ...(has('pids') ? [pair('pids.max', pids)] : []),
    ...(has('cpu') && quota > 0
      ? version === 1
        ? [pair('cpu.cfs_period_us', periodMicroseconds), pair('cpu.cfs_quota_us', quota)]
        : [pair('cpu.max', `${quota} ${periodMicroseconds}`)]
      : []),
  ];
}

function pair(file: string, value: number | string): [string, string] {
  return [file, String(value)];
}

/** Else the limit would be on memory alone and the rest go to disk. The file is there where swap is accounted. */
function forbidSwap({ path: directory, version }: CgroupDirectory, limits: SandboxLimits): void {
  if (limits.memoryBytes === undefined) return;
  const [file, value] =
    version === 1
      ? ['memory.memsw.limit_in_bytes', String(limits.memoryBytes)]
      : ['memory.swap.max', '0'];
  try {
    writeFileSync(path.join(directory, file), value, { flag: 'r+' });
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** The files that a process writes its id to, to be in all of the groups. */
export function joinFiles(cgroups: readonly CgroupDirectory[]): string[] {
  return cgroups.map((cgroup) => path.join(cgroup.path, 'cgroup.procs'));
}

/** Removes a dead sandbox's control groups. Idempotent. */
export async function removeCgroups(
  cgroups: readonly Pick<CgroupDirectory, 'path'>[],
): Promise<void> {
  for (const cgroup of cgroups) await removeCgroup(cgroup.path);
}

/**
 * The same without waiting for anything but the processes in them to be gone, for the end of this process. Whether
 * all could be removed.
 */
export function removeCgroupsNow(cgroups: readonly Pick<CgroupDirectory, 'path'>[]): boolean {
  const busy = cgroups.filter(({ path: directory }) => existsSync(directory));
  for (const { path: directory } of busy) killMembers(directory);
  const end = performance.now() + gonePatienceMs;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let left = busy; left.length > 0; Atomics.wait(pause, 0, 0, 1)) {
    left = left.filter(({ path: directory }) => !removeIfEmpty(directory));
    if (left.length > 0 && performance.now() > end) return false;
  }
  return true;
}

/** Removes a control group unless a process is in it; whether it is gone. */
export function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'EBUSY')) return false;
    throw error;
  }
}

async function removeCgroup(directory: string): Promise<void> {
  const end = performance.now() + emptyWithinMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    if (removeIfEmpty(directory)) return;
    killMembers(directory);
    if (performance.now() > end) {
      const message = `the control group ${directory} still has processes ${emptyWithinMs} ms after its sandbox was killed`;
      throw new SandboxError('unavailable', message, { details: { directory } });
    }
    await delay(pause);
  }
}

/** Whatever is still in a sandbox's group is the sandbox's: no other process is ever put there. */
function killMembers(directory: string): void {
  const members = readFileSync(path.join(directory, 'cgroup.procs'), 'utf8').split('\n');
  for (const pid of members.filter(Boolean).map(Number)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error;
    }
  }
}

/** The directory of a sandbox's group with that control; `undefined` where it has none. */
export function cgroupWith(
  cgroups: readonly CgroupDirectory[] | undefined,
  control: CgroupControl,
): CgroupDirectory | undefined {
  return cgroups?.find(({ controls }) => controls.includes(control));
}

/** One number out of a control group's file; with a name, the one in that line. `undefined` once the group is gone. */
export function readCount(directory: string, file: string, name?: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(directory, file), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return undefined;
    throw error;
  }
  const line =
    name === undefined
      ? text
      : text
          .split('\n')
          .find((one) => one.startsWith(`${name} `))
          ?.slice(name.length);
  const value = Number(line?.trim() || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}
