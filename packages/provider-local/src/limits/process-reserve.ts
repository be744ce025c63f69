import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { isErrno } from '../errors.ts';
import type { CgroupDirectory } from './find-cgroups.ts';
import { cgroupWith } from './sandbox-cgroups.ts';

/** What a lane takes to start, while those that it starts from are still being let go of. */
const reserve = 8;
/** Work under way with the reserve of a group. */
const inUse = new Map<string, number>();

/**
 * Does some work while a sandbox may have a few processes beyond its limit, so that a guest that used up its own can be
 * told to clean up. A guest may take them too: it then has these few more, once.
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
    setLimit(file, limit + reserve);
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

/** A group that is gone went with its sandbox, of which the work tells. */
function setLimit(file: string, limit: number): void {
  try {
    writeFileSync(file, String(limit), { flag: 'r+' });
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENODEV')) throw error;
  }
}
