import type { SandboxMetrics } from '@gantry/core/driver';
import type { DockerHandle } from './docker-handle.ts';
import { dockerError } from './errors.ts';

/** What the container uses now, as its cgroup counts it. The page cache that can be dropped is left out. */
export async function readMetrics(handle: DockerHandle): Promise<SandboxMetrics> {
  const stats = await handle.container
    .stats({ stream: false, 'one-shot': true })
    .catch((error: unknown) => {
      throw dockerError(error, `reading the metrics of sandbox ${handle.ref.id}`);
    });
  const { usage, stats: memory } = stats.memory_stats;
  // cgroup v1 and v2 call it differently.
  const cache = memory?.total_inactive_file ?? memory?.inactive_file ?? 0;
  const current = stats.pids_stats?.current;
  return {
    cpuSeconds: stats.cpu_stats.cpu_usage.total_usage / 1e9,
    ...(usage === undefined ? {} : { memoryBytes: Math.max(usage - cache, 0) }),
    ...(current === undefined ? {} : { pids: current }),
  };
}
