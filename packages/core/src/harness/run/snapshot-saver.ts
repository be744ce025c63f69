import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import { storeKeys } from '../../snapshot/repository/repository.ts';
import { mergeSnapshots } from '../../snapshot/upkeep/merge-snapshots.ts';
import type { WorkspaceSaver } from './workspace-saver.ts';

/** How short a secret may be and still be looked for in a workspace. */
const shortestSecret = 8;

/** Saves workspaces as snapshots in a store. One that holds a secret is refused with `failed-precondition`. */
export function snapshotSaver(store: SnapshotStore): WorkspaceSaver {
  return {
    async save(sandbox, parent, { signal, secrets }) {
      const values = secrets.filter((value) => Buffer.byteLength(value) >= shortestSecret);
      const options = { signal, secrets: values, ...(parent === undefined ? {} : { parent }) };
      const { id, tree } = await sandbox.snapshot(store, options);
      return { snapshot: id, tree };
    },
    forget: (snapshot) => store.delete(storeKeys.snapshot(snapshot)),
    async merge(sides, signal) {
      const { snapshot, ...outcome } = await mergeSnapshots(sides, store, { signal });
      return snapshot
        ? { ...outcome, saved: { snapshot: snapshot.id, tree: snapshot.tree } }
        : outcome;
    },
    restore: (provider, snapshot, options) => provider.rehydrate(snapshot, store, options),
  };
}
