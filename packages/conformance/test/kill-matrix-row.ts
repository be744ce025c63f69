// Prints the checks that fail under one mutant, of the whole suite:
// `node kill-matrix-row.ts MUTANT [TIME-OUT-SCALE]`. Beside other work, a larger scale is kinder.
import { checks, mutants, runMutants, type MutantResult } from '../src/index.ts';
import { withOwnState } from './own-state.ts';
import { subjects } from './subjects.ts';

const [name = '', scale = '1'] = process.argv.slice(2);
const list = mutants.filter((mutant) => mutant.name === name);
if (list.length === 0) throw new Error(`there is no mutant ${name}`);
const due = list.flatMap(({ kills }) => kills);
const timeoutScale = Number(scale);
const options = { mutants: list, against: 'all', timeoutScale, concurrency: 1 } as const;

async function meet(load: string): Promise<MutantResult | undefined> {
  const subject = { load };
  const [first] = await runMutants({ ...options, subject });
  if (!first) return undefined;
  // A check that failed by chance, on a busy machine, does not do so twice.
  const again = checks.filter(({ id }) => [...first.killedBy, ...due].includes(id));
  const [second] = await runMutants({ ...options, subject, checks: again });
  return (
    second && { ...second, killedBy: second.killedBy.filter((id) => first.killedBy.includes(id)) }
  );
}

const restore = withOwnState();
try {
  // The subject that isolates and declares the most, then the one that isolates nothing.
  const proxied = await meet(subjects.proxied);
  const met = proxied?.killed ? proxied : await meet(subjects.directory);
  process.stdout.write(JSON.stringify(met?.killedBy ?? []));
} finally {
  restore();
}
