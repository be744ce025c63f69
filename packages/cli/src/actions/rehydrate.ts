import { note, print, printJson } from '../output/print.ts';
import { ByteProgress } from '../output/byte-progress.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { readManifest } from '../sandbox/read-manifest.ts';
import type { Session } from '../session.ts';
import { openStore, type StoreOptions } from '../snapshot-store.ts';

/** Options of `gantry rehydrate`. */
export interface RehydrateActionOptions extends StoreOptions {
  readonly verify?: boolean;
  readonly manifest?: string;
  readonly lifetime?: number;
}

/** `gantry rehydrate`: a new sandbox with a snapshot's contents, left running. Returns the exit code. */
export async function rehydrate(
  session: Session,
  id: string,
  options: RehydrateActionOptions,
): Promise<number> {
  const { readSnapshot } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const provider = await loadProvider(options.provider, options.egress);
  const store = await openStore(options);
  const snapshot = await readSnapshot(id, store, { signal });
  using progress = new ByteProgress('writing the workspace', session.verbose);
  const start = options.manifest === undefined ? {} : await readManifest(options.manifest);
  const sandbox = await provider.rehydrate(snapshot, store, {
    ...start,
    signal,
    onProgress: progress.report,
    ...(options.verify === undefined ? {} : { verify: options.verify }),
    ...(options.lifetime === undefined ? {} : { maxLifetimeMs: options.lifetime }),
  });
  const { ref, origin } = sandbox;
  await sandbox.release();
  progress[Symbol.dispose]();
  if (session.json) printJson({ ref, origin });
  else {
    print(`${ref.id}\n`);
    note(`not brought back: ${origin.lost.join(', ')}`);
  }
  return 0;
}
