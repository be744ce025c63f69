import type { Call } from '../../contract/call.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import { type Repository, storeKeys } from '../repository/repository.ts';
import { lastPruning, pruningOver } from '../upkeep/prune-lock.ts';
import { neededObjects } from '../upkeep/reachable.ts';

/**
 * Makes sure that no pruning took away what a snapshot, whose record has just been written, shares with older ones. A pruning
 * that begins from now on sees the record; one that began before is waited for, and then everything is looked up. If something
 * is gone, so is the record: `aborted`, and the next try reads what is missing.
 */
export async function requireWhole(
  repository: Repository,
  snapshot: Snapshot,
  prunedBefore: number,
  call: Call,
): Promise<void> {
  const { store } = repository;
  await pruningOver(store, call);
  if ((await lastPruning(store, call)) === prunedBefore) return;
  const chain = await repository.readIndex(snapshot.index, call);
  const reader = new ObjectReader(repository, chain, call);
  const fail = (error: SandboxError): never => {
    throw error;
  };
  try {
    for await (const { id } of neededObjects(snapshot, reader, new Set(), call, fail)) {
      await reader.place(id);
    }
  } catch (cause) {
    if (!SandboxError.is(cause) || cause.code !== 'data-loss') throw cause;
    await store.delete(storeKeys.snapshot(snapshot.id), { signal: call.signal });
    throw new SandboxError(
      'aborted',
      'the store was pruned while the snapshot was taken; take it again without a parent',
      { operation: 'snapshot', cause },
    );
  }
}
