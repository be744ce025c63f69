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
  const before = details.cpu;
  details.cpu = { at: now, seconds: cpuSeconds };
  const elapsed = before ? (now - before.at) / 1000 : 0;
  const share = before && elapsed > 0 ? (cpuSeconds - before.seconds) / elapsed : 0;
  return [
    {
      timestamp: new Date(now).toISOString(),
      timestampUnix: seconds,
      cpuCount: nominal.cpuCount,
      cpuUsedPct: Math.max(0, Math.round(share * 10_000) / 100),
      memUsed: memoryBytes,
      memTotal: nominal.memoryMB * 2 ** 20,
      memCache: 0,
      diskUsed: diskBytes,
      diskTotal: nominal.diskSizeMB * 2 ** 20,
    },
  ];
}
