import type { RehydrateRequest } from '../../protocol/snapshots.ts';
import type { DemoContext } from '../demo-context.ts';
import { beginOperation } from '../operations.ts';
import { demoLabels } from '../sandboxes/sandboxes.ts';

/** Begins to make a sandbox with a snapshot's contents, read back and compared. Returns the operation. */
export async function rehydrateSnapshot(
  id: string,
  { provider: providerId, name }: RehydrateRequest,
  { events, providers, sandboxes, snapshots }: DemoContext,
): Promise<string> {
  const snapshot = await snapshots.read(id);
  const provider = await providers.use(providerId);
  const short = snapshot.id.slice(0, 8);
  return beginOperation(events, `rehydrating ${short} on ${providerId}`, async (tell) => {
    const sandbox = await provider.rehydrate(snapshot, snapshots.store, {
      ...{ labels: demoLabels, verify: true },
      onProgress: ({ phase, bytes, totalBytes }) =>
        tell({
          ...{ what: `${phase} the workspace`, bytes },
          ...(totalBytes === undefined ? {} : { totalBytes }),
        }),
    });
    const view = await sandboxes.add(sandbox, {
      ...{ name: name ?? `of ${short}`, ports: [], snapshot: snapshot.id },
    });
    return { sandbox: view.id };
  });
}
