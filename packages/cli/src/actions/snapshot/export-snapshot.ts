import { ByteProgress, formatBytes } from '../../output/byte-progress.ts';
import { note, print, printJson } from '../../output/print.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

/** Options of `gantry snapshot export`. */
export interface ExportSnapshotOptions extends StoreOptions {
  readonly layers: 'one' | 'chain';
}

/** `gantry snapshot export`: an OCI image layout. Returns the exit code. */
export async function exportSnapshot(
  session: Session,
  id: string,
  directory: string,
  options: ExportSnapshotOptions,
): Promise<number> {
  const { exportOci, readSnapshot } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const store = await openStore(options);
  const snapshot = await readSnapshot(id, store, { signal });
  using progress = new ByteProgress('exporting', session.verbose);
  const image = await exportOci(snapshot, store, directory, {
    signal,
    layers: options.layers,
    onProgress: progress.report,
  });
  progress[Symbol.dispose]();
  if (session.json) printJson(image);
  else {
    print(`${image.digest}\n`);
    note(`${image.layers} layers, ${formatBytes(image.bytes)}, in ${directory}`);
  }
  return 0;
}
