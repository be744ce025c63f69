import { afterAll, describe, expect, test } from 'vitest';
import {
  type Mutant,
  type MutantResult,
  mutants,
  type Report,
  runConformance,
  runMutants,
} from '../src/index.ts';
import { mutantHomes } from './mutant-homes.ts';
import { withOwnState } from './own-state.ts';
import { subjects } from './subjects.ts';
import { canBeWeak } from './weak-bubblewrap.ts';
import { weakened } from './weakened.ts';

const minutes = 60_000;
afterAll(withOwnState());

function against(report: Report): string[] {
  return report.checks
    .filter(({ status }) => status !== 'pass' && status !== 'unsupported')
    .map(({ id, status, message }) => `${id} ${status}: ${message}`);
}

function failures(report: Report): string[] {
  return report.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
}

test(
  'the reference subject passes everything',
  async () => {
    const report = await runConformance({
      subject: { load: subjects.directory },
      timeoutScale: 4,
      concurrency: 8,
    });
    expect(against(report)).toEqual([]);
    expect(report.conformant).toBe(true);
  },
  20 * minutes,
);

describe('every mutant is killed', () => {
  const met = new Set<string>();

  test.each(mutantHomes)(
    'on $name',
    async ({ load, mutants: list }) => {
      const meet = (
        some: readonly Mutant[],
        timeoutScale: number,
      ): Promise<readonly MutantResult[]> =>
        runMutants({ subject: { load }, mutants: some, timeoutScale, concurrency: 6 });
      // What a mutant breaks often shows as a time that runs out: the shorter, the sooner.
      const results = await meet(list, 0.35);
      for (const { name: mutant } of results) met.add(mutant);
      const alive = new Set(results.filter(({ killed }) => !killed).map(({ name }) => name));
      // What shows only once something has arrived needs time on a busy machine.
      const late = await meet(
        list.filter(({ name }) => alive.has(name)),
        6,
      );
      const survivors = late.filter(({ killed }) => !killed);
      expect(
        survivors.map(({ name: mutant, survived }) => `${mutant} survived ${survived.join(', ')}`),
      ).toEqual([]);
    },
    20 * minutes,
  );

  test('none was left out', () => {
    expect(mutants.map(({ name }) => name).filter((name) => !met.has(name))).toEqual([]);
  });
});

describe('weakened subjects fail loudly', () => {
  test(
    'no isolation, held to class process',
    async () => {
      const report = await runConformance({
        subject: { load: subjects.directory },
        profiles: ['isolation'],
        assumeIsolation: 'process',
      });
      expect(failures(report)).toEqual(expect.arrayContaining([...weakened['no isolation']]));
      expect(report.profiles['isolation']?.status).toBe('nonconformant');
    },
    10 * minutes,
  );

  const privileged = [
    ['open bubblewrap', subjects.weakOpen],
    ['bubblewrap as plain root', subjects.weakCapable],
  ] as const;
  for (const [name, load] of canBeWeak() ? privileged : []) {
    test(
      `${name} must fail`,
      async () => {
        const report = await runConformance({
          subject: { load },
          profiles: ['isolation'],
        });
        const expected = weakened[name];
        expect(failures(report)).toEqual(expect.arrayContaining([...expected]));
        // What was never made has shown nothing.
        expect(against(report).filter((line) => line.includes('create failed'))).toEqual([]);
      },
      10 * minutes,
    );
  }

  test(
    'a provider that does nothing fails four fifths of core',
    async () => {
      const report = await runConformance({
        subject: { load: subjects.nothing },
        profiles: ['core'],
        timeoutScale: 0.3,
        concurrency: 16,
      });
      const { pass = 0, fail = 0 } = report.profiles['core']?.checks ?? {};
      expect(fail / (pass + fail)).toBeGreaterThanOrEqual(0.8);
    },
    10 * minutes,
  );
});
