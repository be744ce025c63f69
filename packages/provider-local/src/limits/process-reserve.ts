import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import { isErrno } from '../errors.ts';
import type { CgroupDirectory } from './find-cgroups.ts';
import { cgroupWith } from './sandbox-cgroups.ts';

/**
 * Processes beyond the limit, one after the other until the work is done. A lane takes fewer than the first to start;
 * but a guest that forks without end is after the same ones, and the more there are, the later it has them all.
 */
const reserves = [8, 24];
const largestReserve = 64;
/** Work under way with the reserve of a group. */
const inUse = new Map<string, number>();

/**
 * Does some work while a sandbox may have a few processes beyond its limit, so that a guest that used up its own can be
 * told to clean up. A guest may take them too: it then has these few more, once. Rejects as the work does; only a lack of
 * processes is tried again.
 */
export async function withProcessReserve<T>(
  cgroups: readonly CgroupDirectory[],
  limit: number,
  work: () => Promise<T>,
): Promise<T> {
  const group = cgroupWith(cgroups, 'pids');
  if (!group) return work();
  const file = path.join(group.path, 'pids.max');
  inUse.set(file, (inUse.get(file) ?? 0) + 1);
  try {
    for (const reserve of reserves) {
      setLimit(file, limit + reserve);
      try {
        return await work();
      } catch (error) {
        if (!isLackOfProcesses(error)) throw error;
      }
    }
    setLimit(file, limit + largestReserve);
    return await work();
  } finally {
    const others = (inUse.get(file) ?? 1) - 1;
    if (others > 0) inUse.set(file, others);
    else {
      inUse.delete(file);
      setLimit(file, limit);
    }
  }
}

function isLackOfProcesses(error: unknown): boolean {
  return SandboxError.is(error) && error.details['reason'] === 'pids';
}

/** A group that is gone went with its sandbox, of which the work tells. */
function setLimit(file: string, limit: number): void {
  try {
    writeFileSync(file, String(limit), { flag: 'r+' });
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENODEV')) throw error;
  }
}
