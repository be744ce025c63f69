import type { Check } from '../check.ts';
import { checks as wholeSuite } from '../checks/index.ts';
import { runConformance } from '../runner/run-conformance.ts';
import { loadSubject, type Subject } from '../subject/load-subject.ts';
import { mutants as wholeList } from './index.ts';
import { mutate, type Mutant } from './mutant.ts';

/** How mutants are run. */
export interface MutantOptions {
  /** A subject that passes everything: what the defects are put into. */
  readonly subject: Subject;
  /** Default: this package's. */
  readonly mutants?: readonly Mutant[];
  /** Default: the whole suite of this package. */
  readonly checks?: readonly Check[];
  /** `kills` (default): each mutant meets only the checks that it must fail. `all`: the whole suite, for the matrix. */
  readonly against?: 'kills' | 'all';
  readonly concurrency?: number;
  readonly timeoutScale?: number;
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number, mutant: string) => void;
  readonly signal?: AbortSignal;
}

/** What became of one mutant. */
export interface MutantResult {
  readonly name: string;
  readonly breaks: string;
  /** True when every check of its `kills` failed. */
  readonly killed: boolean;
  /** The checks that failed. */
  readonly killedBy: readonly string[];
  /** Checks of its `kills` that did not fail. */
  readonly survived: readonly string[];
}

/**
 * Runs mutants of a subject. A check that needs what the subject does not declare decides nothing: a
 * mutant none of whose checks apply is left out.
 */
export async function runMutants(options: MutantOptions): Promise<readonly MutantResult[]> {
  const { mutants = wholeList, checks = wholeSuite, against = 'kills' } = options;
  const { seed, concurrency, timeoutScale, signal } = options;
  const loaded = await loadSubject(options.subject);
  const results: MutantResult[] = [];
  for (const [index, mutant] of mutants.entries()) {
    options.onProgress?.(index, mutants.length, mutant.name);
    const known = new Set<string>(checks.map(({ id }) => id));
    const unknown = mutant.kills.filter((id) => !known.has(id));
    if (unknown.length > 0)
      throw new Error(`mutant ${mutant.name} kills no such check: ${unknown.join(', ')}`);
    const report = await runConformance({
      subject: { ...loaded, provider: mutate(loaded.provider, mutant) },
      checks,
      ...(against === 'kills' ? { only: mutant.kills } : {}),
      ...(seed === undefined ? {} : { seed }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(timeoutScale === undefined ? {} : { timeoutScale }),
      ...(signal === undefined ? {} : { signal }),
    });
    const failed = report.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
    const declined = new Set(
      report.checks.filter(({ status }) => status === 'unsupported').map(({ id }) => id),
    );
    const due = mutant.kills.filter((id) => !declined.has(id));
    if (due.length === 0) continue;
    const survived = due.filter((id) => !failed.includes(id));
    const { name, breaks } = mutant;
    results.push({ name, breaks, killed: survived.length === 0, killedBy: failed, survived });
  }
  return results;
}
