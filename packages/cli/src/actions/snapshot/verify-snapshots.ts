import { ANSWER_IS_NO } from '../../exit-codes.ts';
import { ByteProgress, formatBytes } from '../../output/byte-progress.ts';
import { note, print, printJson } from '../../output/print.ts';
import { printable } from '../../output/printable.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

/** `gantry snapshot verify`: reads and digests everything. Returns 1 when something is wrong. */
export async function verifySnapshots(
  session: Session,
  ids: readonly string[],
  options: StoreOptions,
): Promise<number> {
  const { readSnapshot, verifyStore } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const store = await openStore(options);
  const snapshots: string[] = [];
  for (const id of ids) snapshots.push((await readSnapshot(id, store, { signal })).id);
  using progress = new ByteProgress('verifying', session.verbose);
  const report = await verifyStore(store, {
    signal,
    onProgress: progress.report,
    ...(ids.length === 0 ? {} : { snapshots }),
  });
  progress[Symbol.dispose]();
  if (session.json) printJson(report);
  else {
    for (const { object, problem } of report.problems) {
      print(`${printable(object)}: ${printable(problem)}\n`);
    }
    const read = `${report.objects} objects, ${formatBytes(report.bytes)}`;
    note(`${report.snapshots} snapshots, ${read}: ${report.problems.length} problems`);
  }
  return report.problems.length === 0 ? 0 : ANSWER_IS_NO;
}
