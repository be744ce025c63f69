import type { Call, OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore, StoredObject } from '../../contract/snapshot-store.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { operate } from '../../provider/operate.ts';
import { openRepository } from '../repository/open-repository.ts';
import { type Repository, storeKeys } from '../repository/repository.ts';
import { liveObjects } from './live-objects.ts';
import { withPruneLock } from './prune-lock.ts';
import { repack } from './repack.ts';

const defaultGraceMs = 24 * 60 * 60 * 1000;
/** A pack of which less is still used is written anew. */
const leastLive = 0.6;

/** What goes, and how carefully. */
export interface PruneOptions extends OperationOptions {
  /** Which snapshots stay. Default: all, so that only what no snapshot needs goes. */
  readonly keep?: (snapshot: Snapshot) => boolean;
  /**
   * Objects that nobody needs stay for this many milliseconds after they were put: a snapshot that is being taken may. Make it
   * longer than any takes. Default one day.
   */
  readonly graceMs?: number;
  /** Tells what would go, and changes nothing. Default false. */
  readonly dryRun?: boolean;
}

/** What pruning did, or would do. Bytes as stored. */
export interface PruneReport {
  /** Ids of snapshots that went. */
  readonly removed: readonly string[];
  readonly kept: number;
  /** Packs of which the rest was written anew. */
  readonly repacked: number;
  readonly removedObjects: number;
  readonly freedBytes: number;
}

/**
 * Removes snapshots that are not kept, and what no snapshot needs. One at a time for each store: a second one is
 * `failed-precondition`. A crash leaves every kept snapshot whole. A damaged record or tree is `data-loss`, before
 * anything goes: verify first.
 */
export function pruneStore(store: SnapshotStore, options: PruneOptions = {}): Promise<PruneReport> {
  return operate({ operation: 'prune' }, options, async (call) => {
    const repository = await openRepository(store, call);
    const work = (): Promise<PruneReport> => prune(repository, options, call);
    return options.dryRun ? work() : withPruneLock(store, call, work);
  });
}

async function prune(
  repository: Repository,
  options: PruneOptions,
  call: Call,
): Promise<PruneReport> {
  const { keep = () => true, graceMs = defaultGraceMs, dryRun = false } = options;
  if (!(graceMs >= 0)) {
    throw new SandboxError('invalid-argument', 'prune: graceMs must be 0 or more');
  }
  const { store } = repository;
  const { signal } = call;
  const kept: Snapshot[] = [];
  const removed: string[] = [];
  for await (const id of repository.snapshotIds(call)) {
    const snapshot = await repository.readSnapshot(id, call);
    if (keep(snapshot)) kept.push(snapshot);
    else removed.push(id);
  }
  const live = await liveObjects(repository, kept, call);
  // From here on things go. The records first: what they need is then needed by nobody.
  if (!dryRun) for (const id of removed) await store.delete(storeKeys.snapshot(id), { signal });
  const before = Date.now() - graceMs;
  const packs = await old(store, 'packs/', before, call);
  const sparse = packs.filter(({ key }) => {
    const { total = 0, bytes = 0 } = live.packs.get(idOf(key)) ?? {};
    return bytes > 0 && bytes < total * leastLive;
  });
  const unused = [
    ...packs.filter(({ key }) => !live.packs.has(idOf(key))),
    ...(await old(store, 'indexes/', before, call)).filter(
      ({ key }) => !live.indexes.has(idOf(key)),
    ),
    ...(await old(store, 'moves/', before, call)).filter(({ key }) => !live.moves.has(idOf(key))),
  ];
  const gone = [...unused, ...sparse];
  if (!dryRun) {
    for (const { key } of sparse) await repack(repository, idOf(key), live, call);
    for (const { key } of gone) await store.delete(key, { signal });
  }
  return {
    removed,
    kept: kept.length,
    repacked: sparse.length,
    removedObjects: gone.length,
    freedBytes: gone.reduce((sum, { size }) => sum + size, 0),
  };
}

async function old(
  store: SnapshotStore,
  prefix: string,
  before: number,
  call: Call,
): Promise<readonly StoredObject[]> {
  const objects = await Array.fromAsync(store.list(prefix, { signal: call.signal }));
  return objects.filter(({ modifiedAt }) => modifiedAt <= before);
}

function idOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
