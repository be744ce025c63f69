import type { Snapshot } from '@gantry/core';
import { formatDuration } from '../../duration.ts';
import { formatBytes } from '../../output/byte-progress.ts';
import { note, print, printJson } from '../../output/print.ts';
import { table } from '../../output/table.ts';
import type { Session } from '../../session.ts';
import { defaultStore, openStore, type StoreOptions } from '../../snapshot-store.ts';

const shortId = 12;

/** `gantry snapshot ls`: the snapshots of a store. Returns the exit code. */
export async function lsSnapshots(session: Session, options: StoreOptions): Promise<number> {
  const { listSnapshots } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const snapshots = await listSnapshots(await openStore(options), { signal });
  if (session.json) printJson({ snapshots });
  else if (snapshots.length === 0)
    note(`there are no snapshots in ${options.store ?? defaultStore()}`);
  else print(table(['ID', 'AGE', 'FILES', 'BYTES', 'PARENT', 'OF'], snapshots.map(row)));
  return 0;
}

function row({ id, takenAt, contents, parent, source }: Snapshot): readonly string[] {
  return [
    id.slice(0, shortId),
    formatDuration(Date.now() - takenAt),
    String(contents.files),
    formatBytes(contents.bytes),
    parent?.slice(0, shortId) ?? '-',
    source === undefined ? 'imported' : `${source.provider} ${source.sandbox}`,
  ];
}
