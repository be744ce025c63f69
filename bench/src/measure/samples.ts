/** Durations of one operation, in milliseconds. */
export interface Samples {
  readonly name: string;
  readonly milliseconds: readonly number[];
}

/** The value below which a share of the samples lies, by linear interpolation. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

/** One operation to time. */
export interface Subject {
  readonly name: string;
  run(): Promise<unknown>;
}

/**
 * Times subjects in turns, one call each per round, so that whatever else the machine does hits all of
 * them alike. The first rounds warm up and are not kept.
 */
export async function measureInTurns(
  subjects: readonly Subject[],
  rounds: number,
  progress: (done: number) => void,
): Promise<readonly Samples[]> {
  const warmUp = 3;
  const samples = subjects.map(({ name }) => ({ name, milliseconds: [] as number[] }));
  for (let round = 0; round < rounds + warmUp; round++) {
    for (const [index, subject] of subjects.entries()) {
      const begin = performance.now();
      await subject.run();
      const milliseconds = performance.now() - begin;
      if (round >= warmUp) samples[index]?.milliseconds.push(milliseconds);
    }
    progress(round + 1);
  }
  return samples;
}
