import type { Evidence } from '@gantry/core';
import { ByteProgress, formatBytes } from '../../output/byte-progress.ts';
import { note, print, printJson } from '../../output/print.ts';
import { loadProvider } from '../../provider/load-provider.ts';
import { withSandbox } from '../../sandbox/with-sandbox.ts';
import type { Session } from '../../session.ts';
import { openStore, type StoreOptions } from '../../snapshot-store.ts';

/** Options of `gantry snapshot create`. */
export interface CreateSnapshotOptions extends StoreOptions {
  readonly parent?: string;
  readonly evidence?: Evidence;
}

/** `gantry snapshot create`: a snapshot of a live sandbox. Returns the exit code. */
export async function createSnapshot(
  session: Session,
  sandboxId: string,
  options: CreateSnapshotOptions,
): Promise<number> {
  const { readSnapshot } = await import('@gantry/core/snapshot');
  const { signal } = session.interrupts;
  const provider = await loadProvider(options.provider, options.egress);
  const store = await openStore(options);
  const parent =
    options.parent === undefined
      ? undefined
      : await readSnapshot(options.parent, store, { signal });
  const taken = await withSandbox(session, provider, { sandbox: sandboxId }, async (sandbox) => {
    using progress = new ByteProgress('taking a snapshot', session.verbose);
    return await sandbox.snapshot(store, {
      signal,
      onProgress: progress.report,
      ...(parent === undefined ? {} : { parent }),
      ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
    });
  });
  if (session.json) {
    printJson({ snapshot: taken });
    return 0;
  }
  print(`${taken.id}\n`);
  const { contents, work, skipped, changing, evidence } = taken;
  const size = `${contents.files} files, ${formatBytes(contents.bytes)}`;
  const added = formatBytes(work.bytesStored + work.metadataBytes);
  note(`${size}; ${formatBytes(work.bytesRead)} read, ${added} stored; evidence: ${evidence}`);
  for (const { path, type } of skipped) note(`left out: ${path} (${type})`);
  for (const path of changing) note(`changed each time it was read: ${path}`);
  return 0;
}
