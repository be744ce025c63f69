import { profileOf } from '../check.ts';
import type { CheckReport, ProfileReport, Status, Verdict } from './report.ts';

/** Judges each profile that has a result. */
export function judgeProfiles(
  results: readonly CheckReport[],
  filtered: boolean,
): Record<string, ProfileReport> {
  const names = [...new Set(results.map((result) => profileOf(asId(result))))];
  return Object.fromEntries(
    names.map((name) => {
      const own = results.filter((result) => profileOf(asId(result)) === name);
      return [name, judge(own, filtered)] as const;
    }),
  );
}

function judge(results: readonly CheckReport[], filtered: boolean): ProfileReport {
  const checks: Record<Status, number> = {
    pass: 0,
    fail: 0,
    untestable: 0,
    unsupported: 0,
    error: 0,
  };
  for (const { status } of results) checks[status]++;
  const against = results.filter(({ status }) => status !== 'pass' && status !== 'unsupported');
  const broken = against.some(({ level, known }) => level === 'must' && known === undefined);
  const blemished = filtered || against.some(({ level }) => level !== 'may');
  const status: Verdict = broken ? 'nonconformant' : blemished ? 'partial' : 'conformant';
  return { status, supported: checks.unsupported === 0, checks };
}

function asId({ id }: CheckReport): { id: `${string}/${string}` } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ids were checked when the suite was selected
  return { id: id as `${string}/${string}` };
}
