import { report, toRow } from './report.ts';
import { measureInTurns, quantile } from './samples.ts';

/** One thing that is done by the vendor's SDK alone, and by way of the adapter. */
export interface AdapterPair {
  readonly name: string;
  readonly bare: () => Promise<unknown>;
  readonly adapted: () => Promise<unknown>;
}

/** Measures each pair in turns and reports it; each row of the adapter is told in the p50 of the SDK's own. */
export async function reportAdapterCost(
  vendor: string,
  pairs: readonly AdapterPair[],
  settle: () => Promise<unknown>,
  rounds: number,
): Promise<void> {
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
  const rows = pairs.flatMap(({ name }) => {
    const unit = quantile(of(`${name}, SDK`), 0.5);
    return [
      toRow(`${name}, SDK`, of(`${name}, SDK`), unit),
      toRow(`${name}, adapter`, of(`${name}, adapter`), unit, { target: 1.05 }),
    ];
  });
  report(vendor, "the p50 of the SDK's own row", rows);
}
