import { type Row, toRow } from './report.ts';
import { measureInTurns, quantile } from './samples.ts';

/** One thing that is done by the vendor's SDK alone, and by way of the adapter. */
export interface AdapterPair {
  readonly name: string;
  readonly bare: () => Promise<unknown>;
  readonly adapted: () => Promise<unknown>;
}

/** Measures each pair in turns; each row of the adapter is told in the p50 of the SDK's own. */
export async function adapterCost(
  pairs: readonly AdapterPair[],
  settle: () => Promise<unknown>,
  rounds: number,
): Promise<Row[]> {
  const timed = pairs.flatMap(({ name, bare, adapted }) => [
    { name: `${name}, SDK`, run: bare },
    { name: `${name}, adapter`, run: adapted },
  ]);
  // After the last transfer of a round memory is tidied up; that is nobody's cost.
  const all = [{ name: 'settle', run: settle }, ...timed];
  const samples = await measureInTurns(all, rounds, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${done}/${rounds + 3}`);
  });
  const of = (name: string): readonly number[] =>
    samples.find((one) => one.name === name)?.milliseconds ?? [];
  return pairs.flatMap(({ name }) => {
    const unit = quantile(of(`${name}, SDK`), 0.5);
    return [
      toRow(`${name}, SDK`, of(`${name}, SDK`), unit),
      toRow(`${name}, adapter`, of(`${name}, adapter`), unit, { target: 1.05 }),
    ];
  });
}
