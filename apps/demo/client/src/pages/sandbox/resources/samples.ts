import type { MetricsAnswer } from '../../../../../src/protocol/sandboxes.ts';

/** What was used at one moment. */
export interface Sample {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Processors busy since the sample before: 1 is one whole processor. */
  readonly cpu?: number;
  readonly cpuSeconds?: number;
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  readonly pids?: number;
}

/** Two minutes at one a second. */
const KEPT = 120;

/** The samples with one more, the oldest left out. */
export function addSample(
  samples: readonly Sample[],
  { at, now }: MetricsAnswer,
): readonly Sample[] {
  const before = samples.at(-1);
  const passed = before === undefined ? 0 : (at - before.at) / 1000;
  const used = (now.cpuSeconds ?? Number.NaN) - (before?.cpuSeconds ?? Number.NaN);
  const cpu = used / passed;
  const sample = Number.isFinite(cpu) && cpu >= 0 ? { at, ...now, cpu } : { at, ...now };
  return [...samples.slice(1 - KEPT), sample];
}

/** One line of a chart: seconds before the last sample, as negative numbers, and what was measured then. */
export function series(
  samples: readonly Sample[],
  name: 'cpu' | 'memoryBytes' | 'diskBytes' | 'pids',
): { readonly times: readonly number[]; readonly values: readonly (number | null)[] } {
  const last = samples.at(-1)?.at ?? 0;
  return {
    times: samples.map(({ at }) => (at - last) / 1000),
    values: samples.map((sample) => sample[name] ?? null),
  };
}
