import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { descendants, readProcess, signalProcess, type TreeProcess } from '../kill/process-tree.ts';
import { cgroupWith, readCount } from '../limits/sandbox-cgroups.ts';
import type { SandboxRecord } from '../sandbox-record.ts';

const stoppedWithinMs = 20_000;

/** The processes, by host id, that a guest had stopped itself: to resume is not to go on with them. */
export function stoppedByGuest(record: SandboxRecord): number[] {
  if (!record.main || cgroupWith(record.cgroups, 'freeze')) return [];
  return descendants(record.main.pid).flatMap(({ pid, state }) => (state === 'T' ? [pid] : []));
}

/** Stops every process of a sandbox where it is; resolves when none runs. A killed one still dies. */
export async function freeze(record: SandboxRecord): Promise<void> {
  const end = performance.now() + stoppedWithinMs;
  const group = cgroupWith(record.cgroups, 'freeze');
  if (group) writeFileSync(path.join(group.path, 'cgroup.freeze'), '1');
  const still = group
    ? (): boolean => readCount(group.path, 'cgroup.events', 'frozen') === 0
    : (): boolean => stopAll(record);
  while (still()) {
    if (performance.now() > end) {
      await thaw(record, []);
      throw new SandboxError(
        'unavailable',
        `the sandbox still ran ${stoppedWithinMs} ms after it was told to stop`,
      );
    }
    await delay(2);
  }
}

/** Lets every process of a sandbox go on, but those that the guest had stopped. */
export async function thaw(record: SandboxRecord, stopped: readonly number[]): Promise<void> {
  const group = cgroupWith(record.cgroups, 'freeze');
  if (group) {
    writeFileSync(path.join(group.path, 'cgroup.freeze'), '0');
    return;
  }
  for (const one of processes(record)) {
    if (!stopped.includes(one.pid)) signalProcess(one, 'SIGCONT');
  }
}

/** Stops what runs, the first process last; true when there was something, as it may have forked. */
function stopAll(record: SandboxRecord): boolean {
  const running = processes(record).filter(({ state }) => !['T', 'Z', 'X'].includes(state));
  for (const one of running) signalProcess(one, 'SIGSTOP');
  return running.length > 0;
}

function processes({ main }: SandboxRecord): TreeProcess[] {
  const first = main && readProcess(main.pid);
  return first ? [...descendants(first.pid), first] : [];
}
