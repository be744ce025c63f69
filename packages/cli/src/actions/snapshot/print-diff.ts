import { ANSWER_IS_NO } from '../../exit-codes.ts';
import { print, printJson } from '../../output/print.ts';
import { printable } from '../../output/printable.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

const signs = { added: '+', removed: '-', changed: '~' } as const;

/** `gantry snapshot diff`: the paths that differ. Returns 1 when any does. */
export async function printDiff(
  session: Session,
  before: string,
  after: string,
  options: StoreOptions,
): Promise<number> {
  const { diffSnapshots, readSnapshot } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const store = await openStore(options);
  const [old, now] = [
    await readSnapshot(before, store, { signal }),
    await readSnapshot(after, store, { signal }),
  ];
  const differences = [];
  for await (const difference of diffSnapshots(old, now, store, { signal })) {
    differences.push(difference);
    if (!session.json) print(`${signs[difference.kind]} ${printable(difference.path)}\n`);
  }
  if (session.json) printJson({ differences });
  return differences.length === 0 ? 0 : ANSWER_IS_NO;
}
