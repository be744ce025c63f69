import type { Sandbox } from '@gantry/core';
import type { EmulatorClock } from '../../chassis/clock.ts';
import type { DaytonaSandbox } from '../daytona-sandbox.ts';

const gibibyte = 2 ** 30;

/** What a sandbox uses now. Totals are nominal: what its snapshot has, or what was asked for. */
export async function readSystemMetrics(
  clock: EmulatorClock,
  { shape, request, cpu }: DaytonaSandbox,
  guest: Sandbox,
): Promise<Readonly<Record<string, number | string>>> {
  const { cpuSeconds = 0, memoryBytes = 0, diskBytes = 0 } = await guest.metrics();
  const diskTotal = (request.disk ?? shape.disk) * gibibyte;
  return {
    cpuCount: request.cpu ?? shape.cpu,
    cpuUsedPct: cpu.take(clock, cpuSeconds),
    memTotal: (request.memory ?? shape.memory) * gibibyte,
    memUsed: memoryBytes,
    memCache: 0,
    ...{ diskTotal, diskUsed: diskBytes, diskFree: Math.max(0, diskTotal - diskBytes) },
    timestamp: new Date(clock.now()).toISOString(),
    timestampUnix: Math.floor(clock.now() / 1000),
  };
}
