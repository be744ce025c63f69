import type { Snapshot } from '@gantry/core';
import { formatBytes } from '../../output/byte-progress.ts';
import { note, print, printJson } from '../../output/print.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

/** Options of `gantry snapshot prune`. */
export interface PruneSnapshotsOptions extends StoreOptions {
  readonly remove?: readonly string[];
  readonly keepLast?: number;
  readonly grace?: number;
  readonly dryRun?: boolean;
}

/** `gantry snapshot prune`: removes what is asked for, and what nothing needs. Returns the exit code. */
export async function pruneSnapshots(
  session: Session,
  options: PruneSnapshotsOptions,
): Promise<number> {
  const { listSnapshots, pruneStore, readSnapshot } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const store = await openStore(options);
  const removed = new Set<string>();
  for (const id of options.remove ?? [])
    removed.add((await readSnapshot(id, store, { signal })).id);
  if (options.keepLast !== undefined) {
    const all = await listSnapshots(store, { signal });
    const old = all.slice(0, Math.max(0, all.length - options.keepLast));
    for (const { id } of old) removed.add(id);
  }
  const report = await pruneStore(store, {
    signal,
    keep: ({ id }: Snapshot) => !removed.has(id),
    dryRun: options.dryRun ?? false,
    ...(options.grace === undefined ? {} : { graceMs: options.grace }),
  });
  if (session.json) printJson(report);
  else {
    print(report.removed.map((id) => `${id}\n`).join(''));
    const verb = options.dryRun ? 'would go' : 'gone';
    const what = `${report.removed.length} snapshots and ${report.removedObjects} objects ${verb}`;
    note(`${what}, ${formatBytes(report.freedBytes)}; ${report.kept} snapshots kept`);
  }
  return 0;
}
