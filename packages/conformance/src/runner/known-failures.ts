import type { Check } from '../check.ts';
import type { CheckReport } from './report.ts';

/** Check id -> why it fails. Strict: a listed check that passes fails the run. */
export type KnownFailures = Readonly<Record<string, string>>;

/** Throws when an id is listed that the suite does not have. */
export function checkKnownFailures(known: KnownFailures, suite: readonly Check[]): void {
  const ids = new Set<string>(suite.map(({ id }) => id));
  const unknown = Object.keys(known).filter((id) => !ids.has(id));
  if (unknown.length > 0) throw new Error(`known failures name no check: ${unknown.join(', ')}`);
}

/** A result in the light of the list. */
export function withKnownFailure(result: CheckReport, known: KnownFailures): CheckReport {
  const reason = known[result.id];
  if (reason === undefined) return result;
  if (result.status !== 'pass' && result.status !== 'unsupported')
    return { ...result, known: reason };
  return {
    ...result,
    status: 'fail',
    message: `listed as a known failure (${reason}), but its status is ${result.status}; take it off the list`,
  };
}
