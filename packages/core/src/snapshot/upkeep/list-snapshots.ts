import type { OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { operate } from '../../provider/operate.ts';
import { openRepository } from '../repository/open-repository.ts';

const shortestPrefix = 4;

/** Every snapshot of a store, the oldest first. A store without any has none; a damaged record is `data-loss`. */
export function listSnapshots(
  store: SnapshotStore,
  options: OperationOptions = {},
): Promise<readonly Snapshot[]> {
  return operate({ operation: 'listSnapshots' }, options, async (call) => {
    // Nothing has ever been put into it.
    if ((await store.head('format', { signal: call.signal })) === undefined) return [];
    const repository = await openRepository(store, call);
    const snapshots: Snapshot[] = [];
    for await (const id of repository.snapshotIds(call)) {
      snapshots.push(await repository.readSnapshot(id, call));
    }
    return snapshots.toSorted((a, b) => a.takenAt - b.takenAt || (a.id < b.id ? -1 : 1));
  });
}

/** A snapshot by its id, or by the start of it, of four digits or more. `not-found`, or `invalid-argument` where several start so. */
export function readSnapshot(
  id: string,
  store: SnapshotStore,
  options: OperationOptions = {},
): Promise<Snapshot> {
  return operate({ operation: 'readSnapshot' }, options, async (call) => {
    const repository = await openRepository(store, call);
    const whole = await wholeId(id, repository.snapshotIds(call));
    return repository.readSnapshot(whole, call);
  });
}

async function wholeId(id: string, all: AsyncIterable<string>): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(id)) return id;
  if (!/^[0-9a-f]+$/.test(id) || id.length < shortestPrefix) {
    throw new SandboxError(
      'invalid-argument',
      `${JSON.stringify(id)} is no id of a snapshot: give ${shortestPrefix} to 64 hexadecimal digits`,
    );
  }
  const found: string[] = [];
  for await (const candidate of all) if (candidate.startsWith(id)) found.push(candidate);
  const [first] = found;
  if (first === undefined) throw new SandboxError('not-found', `there is no snapshot ${id}`);
  if (found.length === 1) return first;
  throw new SandboxError(
    'invalid-argument',
    `${id} stands for ${found.length} snapshots; give more digits`,
  );
}
