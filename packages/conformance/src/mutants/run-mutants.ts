import type { Check } from '../check.ts';
import { checks as wholeSuite } from '../checks/index.ts';
import type { Status } from '../runner/report.ts';
import { runConformance, type ConformanceOptions } from '../runner/run-conformance.ts';
import type { Provider, SandboxRef } from '@gantry/core';
import { loadSubject, type LoadedSubject, type Subject } from '../subject/load-subject.ts';
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
  /** Mutants at a time, default 3. */
  readonly concurrency?: number;
  readonly timeoutScale?: number;
  readonly seed?: number;
  /** As in `ConformanceOptions`. */
  readonly assumeIsolation?: ConformanceOptions['assumeIsolation'];
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
  const { mutants = wholeList, checks = wholeSuite } = options;
  const loaded = await loadSubject(options.subject);
  const known = new Set<string>(checks.map(({ id }) => id));
  for (const { name, kills } of mutants) {
    const unknown = kills.filter((id) => !known.has(id));
    if (unknown.length > 0)
      throw new Error(`mutant ${name} kills no such check: ${unknown.join(', ')}`);
  }
  const results: (MutantResult | undefined)[] = [];
  const queue = [...mutants.entries()];
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [index, mutant] = next;
      options.onProgress?.(done, mutants.length, mutant.name);
      results[index] = await runMutant(mutant, loaded, { ...options, checks });
      done++;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 3 }, worker));
  return results.filter((result) => result !== undefined);
}

/** Runs one mutant; `undefined` when none of its checks applies to the subject. */
async function runMutant(
  mutant: Mutant,
  loaded: LoadedSubject,
  options: MutantOptions & { readonly checks: readonly Check[] },
): Promise<MutantResult | undefined> {
  const { checks, against = 'kills', seed, timeoutScale, signal, assumeIsolation } = options;
  const refs: SandboxRef[] = [];
  const report = await runConformance({
    subject: { ...loaded, provider: mutate(noted(loaded.provider, refs), mutant) },
    checks,
    concurrency: 2,
    ...(against === 'kills' ? { only: mutant.kills } : {}),
    ...(seed === undefined ? {} : { seed }),
    ...(timeoutScale === undefined ? {} : { timeoutScale }),
    ...(signal === undefined ? {} : { signal }),
    ...(assumeIsolation === undefined ? {} : { assumeIsolation }),
  });
  // What the defect kept the run from destroying is destroyed by the sound provider.
  await Promise.all(refs.map((ref) => loaded.provider.destroy(ref)));
  const withStatus = (status: Status): string[] =>
    report.checks.filter((check) => check.status === status).map(({ id }) => id);
  const failed = withStatus('fail');
  const declined = withStatus('unsupported');
  const due = mutant.kills.filter((id) => !declined.includes(id));
  if (due.length === 0) return undefined;
  const survived = due.filter((id) => !failed.includes(id));
  const { name, breaks } = mutant;
  return { name, breaks, killed: survived.length === 0, killedBy: failed, survived };
}

/** The provider, noting every sandbox that its driver makes. */
function noted(provider: Provider, refs: SandboxRef[]): Provider {
  return provider.wrap((driver) => ({
    ...driver,
    async create(request, call) {
      const handle = await driver.create(request, call);
      refs.push(handle.ref);
      return handle;
    },
  }));
}
