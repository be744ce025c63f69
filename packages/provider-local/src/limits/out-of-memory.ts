import type { DriverProcess } from '@gantry/core/driver';
import { tellOutOfMemory } from '@gantry/core/node';
import type { CgroupDirectory } from './find-cgroups.ts';
import { cgroupWith, readCount } from './sandbox-cgroups.ts';

/** How many processes of a sandbox the kernel has killed because they took too much memory. */
export function outOfMemoryKills(
  cgroups: readonly CgroupDirectory[] | undefined,
): number | undefined {
  const memory = cgroupWith(cgroups, 'memory');
  if (!memory) return undefined;
  return readCount(
    memory.path,
    memory.version === 1 ? 'memory.oom_control' : 'memory.events',
    'oom_kill',
  );
}

/** `tellOutOfMemory` of core, by the sandbox's control groups and how many were killed `before` the process. */
export function watchMemory(
  started: DriverProcess,
  cgroups: readonly CgroupDirectory[] | undefined,
  before: number | undefined,
): DriverProcess {
  if (before === undefined) return started;
  return tellOutOfMemory(started, () => (outOfMemoryKills(cgroups) ?? 0) > before);
}
