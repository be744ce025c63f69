import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { putBytes } from '../repository/store-access.ts';

const lockKey = 'locks/prune';
const traceKey = 'locks/pruned';
/** A lock that is older was left by a process that died. */
const expiresAfterMs = 60 * 60 * 1000;
const pollMs = 200;

/** Keeps a second pruning out while `work` runs, and leaves a trace that writers find. */
export async function withPruneLock<T>(
  store: SnapshotStore,
  call: Call,
  work: () => Promise<T>,
): Promise<T> {
  const { signal } = call;
  const held = await store.head(lockKey, { signal });
  if (held && Date.now() - held.modifiedAt > expiresAfterMs)
    await store.delete(lockKey, { signal });
  if (!(await putBytes(store, lockKey, [Buffer.from('{}')], { signal }))) {
    throw new SandboxError(
      'failed-precondition',
      'this store is being pruned by somebody else; wait for it, or remove its object locks/prune if that one has died',
      { operation: 'prune', retryable: true, details: { reason: 'locked' } },
    );
  }
  try {
    return await work();
  } finally {
    // Not with the call's signal: the lock must go also when the work was cancelled.
    await store.delete(traceKey);
    await putBytes(store, traceKey, [Buffer.from('{}')], {});
    await store.delete(lockKey);
  }
}

/** What tells one pruning from the next: when the last one ended. */
export async function lastPruning(store: SnapshotStore, call: Call): Promise<number> {
  return (await store.head(traceKey, { signal: call.signal }))?.modifiedAt ?? 0;
}

/** Waits for a pruning that is under way. */
export async function pruningOver(store: SnapshotStore, call: Call): Promise<void> {
  const { signal } = call;
  for (;;) {
    const held = await store.head(lockKey, { signal });
    if (!held || Date.now() - held.modifiedAt > expiresAfterMs) return;
    await delay(pollMs, undefined, { signal });
  }
}
