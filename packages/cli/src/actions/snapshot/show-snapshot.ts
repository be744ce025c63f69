import { formatBytes } from '../../output/byte-progress.ts';
import { print, printJson } from '../../output/print.ts';
import { printable } from '../../output/printable.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

/** `gantry snapshot show`: what a snapshot says of itself. Returns the exit code. */
export async function showSnapshot(
  session: Session,
  id: string,
  options: StoreOptions,
): Promise<number> {
  const { readSnapshot } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const snapshot = await readSnapshot(id, await openStore(options), { signal });
  if (session.json) {
    printJson({ snapshot });
    return 0;
  }
  const { contents, source, skipped, changing } = snapshot;
  const lines: readonly (readonly [string, string])[] = [
    ['id', snapshot.id],
    ['tree', snapshot.tree],
    ['parent', snapshot.parent ?? '-'],
    ['taken', new Date(snapshot.takenAt).toISOString()],
    ['of', source === undefined ? 'imported' : `${source.provider} ${source.sandbox}`],
    ['evidence', snapshot.evidence],
    ['files', `${contents.files}, ${formatBytes(contents.bytes)}`],
    ['directories', String(contents.directories)],
    ['symlinks', String(contents.symlinks)],
    ['not captured', snapshot.notCaptured.join(', ') || '-'],
    ...skipped.map(({ path, type }) => ['left out', `${path} (${type})`] as const),
    ...changing.map((path) => ['changing', path] as const),
  ];
  print(lines.map(([name, value]) => `${name.padEnd(14)}${printable(value)}\n`).join(''));
  return 0;
}
