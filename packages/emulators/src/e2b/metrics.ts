import type { EmulatorClock } from '../chassis/clock.ts';
import type { E2bSandbox } from './e2b-sandbox.ts';
import { nominal } from './sandbox-view.ts';

/** What the sandbox uses now, as one reading; none where now is outside of the given seconds. */
export async function readMetrics(
  clock: EmulatorClock,
  { sandbox, details, state }: E2bSandbox,
  from: number,
  to: number,
): Promise<readonly object[]> {
  const now = clock.now();
  const seconds = Math.floor(now / 1000);
  if (state !== 'running' || seconds < from || seconds > to) return [];
  const { cpuSeconds = 0, memoryBytes = 0, diskBytes = 0 } = await sandbox.metrics();
  return [
    {
      timestamp: new Date(now).toISOString(),
      timestampUnix: seconds,
      cpuCount: nominal.cpuCount,
      cpuUsedPct: details.cpu.take(clock, cpuSeconds),
      memUsed: memoryBytes,
      memTotal: nominal.memoryMB * 2 ** 20,
      memCache: 0,
      diskUsed: diskBytes,
      diskTotal: nominal.diskSizeMB * 2 ** 20,
    },
  ];
}
