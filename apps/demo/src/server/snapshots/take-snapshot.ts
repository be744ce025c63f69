import { SandboxError, type Sandbox, type SnapshotOptions, type TakenSnapshot } from '@gantry/core';
import type { SnapshotRequest } from '../../protocol/snapshots.ts';
import type { DemoContext } from '../demo-context.ts';
import { beginOperation, type Tell } from '../operations.ts';

/** Begins to take a snapshot of a sandbox. Returns the operation. */
export function takeSnapshot(id: string, { name }: SnapshotRequest, demo: DemoContext): string {
  const record = demo.sandboxes.record(id);
  return beginOperation(demo.events, `taking a snapshot of ${record.name}`, async (tell) => {
    const sandbox = await demo.sandboxes.reach(id);
    const taken = await take(sandbox, record.snapshot, demo, tell);
    await demo.snapshots.add(taken, {
      ...(name === undefined ? {} : { name }),
      ...{ sandbox: id, sandboxName: record.name, emulated: record.emulated },
      bytesStored: taken.work.bytesStored + taken.work.metadataBytes,
    });
    await demo.sandboxes.isAs(id, taken.id);
    return { snapshot: taken.id };
  });
}

async function take(
  sandbox: Sandbox,
  parent: string | undefined,
  { snapshots }: DemoContext,
  tell: Tell,
): Promise<TakenSnapshot> {
  const options: SnapshotOptions = {
    onProgress: ({ phase, bytes, totalBytes }) =>
      tell({
        ...{ what: `${phase} the workspace`, bytes },
        ...(totalBytes === undefined ? {} : { totalBytes }),
      }),
  };
  if (parent === undefined) return sandbox.snapshot(snapshots.store, options);
  try {
    return await sandbox.snapshot(snapshots.store, { ...options, parent });
  } catch (error) {
    // The parent was pruned: the snapshot is then one without.
    if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
    return sandbox.snapshot(snapshots.store, options);
  }
}
