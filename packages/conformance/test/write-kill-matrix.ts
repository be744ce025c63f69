import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { checks, mutants, runMutants, type MutantOptions } from '../src/index.ts';
import { mutantHomes } from './mutant-homes.ts';

/** What `kill-matrix.json` holds: each mutant, and the checks that failed under it. */
export interface KillMatrix {
  readonly date: string;
  readonly commit: string;
  /** `kills`: each mutant met only the checks that it must fail. `all`: every check. */
  readonly against: 'kills' | 'all';
  readonly checks: readonly string[];
  readonly mutants: Readonly<Record<string, readonly string[]>>;
}

/** Runs each mutant on its subject, and writes the matrix. */
export async function writeKillMatrix(
  against: KillMatrix['against'],
  options: Pick<MutantOptions, 'timeoutScale' | 'concurrency'>,
): Promise<KillMatrix> {
  const rows = new Map<string, readonly string[]>(mutants.map(({ name }) => [name, []]));
  for (const { name, load, mutants: list } of mutantHomes) {
    const onProgress = (done: number, total: number): void => {
      if (done % 10 === 0) process.stderr.write(`${name}: ${done} of ${total} mutants\n`);
    };
    const results = await runMutants({
      ...{ subject: { load }, mutants: list, against, onProgress },
      ...options,
    });
    for (const { name: mutant, killedBy } of results) rows.set(mutant, killedBy);
  }
  const order = checks.map(({ id }) => id);
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
  const matrix: KillMatrix = {
    date: new Date().toISOString().slice(0, 10),
    commit,
    against,
    checks: order,
    mutants: Object.fromEntries(
      [...rows].map(([name, ids]) => [name, order.filter((id) => ids.includes(id))]),
    ),
  };
  const file = path.join(import.meta.dirname, '../kill-matrix.json');
  writeFileSync(file, `${JSON.stringify(matrix, undefined, 1)}\n`);
  return matrix;
}
