import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Provider, Sandbox, SnapshotStore } from '../../src/index.ts';
import { readAll } from '../../src/process/byte-source.ts';
import {
  encryptedStore,
  listSnapshots,
  memoryStore,
  pruneStore,
  readSnapshot,
  verifyStore,
} from '../../src/snapshot.ts';
import { crashAndVerify } from './crash-rounds.ts';
import { directoryProvider, inWorkspace, openWorkspace } from './workspaces.ts';

vi.setConfig({ testTimeout: 240_000 });

const failsWith = (code: string, details: object = {}): unknown =>
  expect.objectContaining({ code, details: expect.objectContaining(details) as unknown });

let provider: Provider & Disposable;
let sandbox: Sandbox;
beforeAll(async () => {
  provider = directoryProvider('GNU');
  sandbox = await openWorkspace(await provider.create());
});
afterAll(async () => {
  await sandbox.destroy();
  provider[Symbol.dispose]();
});

async function bytesIn(store: SnapshotStore, prefix: string): Promise<number> {
  const objects = await Array.fromAsync(store.list(prefix));
  return objects.reduce((sum, { size }) => sum + size, 0);
}

describe('verify', () => {
  test('finds nothing where nothing is wrong, and names what is', async () => {
    const store = memoryStore();
    inWorkspace(
      sandbox,
      'rm -rf *; mkdir d; for i in {1..20}; do head -c 90000 /dev/urandom > d/f$i; done; head -c 3000000 /dev/urandom > large',
    );
    const first = await sandbox.snapshot(store);
    inWorkspace(sandbox, 'head -c 70000 /dev/urandom > d/new');
    const second = await sandbox.snapshot(store, { parent: first });
    const whole = await verifyStore({ ...store });
    expect(whole).toMatchObject({ snapshots: 2, problems: [] });
    expect(whole.bytes).toBe(second.contents.bytes);
    const packs = await Array.fromAsync(store.list('packs/'));
    for (const { key, size } of packs) {
      const bytes = await readAll(await store.get(key));
      const bad = Uint8Array.from(bytes);
      bad[Math.floor(size / 2)] = (bad[Math.floor(size / 2)] ?? 0) ^ 1;
      await store.put(key, new Blob([bad]).stream());
      const { problems } = await verifyStore({ ...store });
      expect(problems.length).toBeGreaterThan(0);
      for (const { object, problem } of problems) expect(problem).toContain(object);
      await store.put(key, new Blob([bytes]).stream());
    }
    await store.delete(`indexes/${second.index}`);
    const broken = await verifyStore({ ...store });
    expect(broken.problems).toMatchObject([
      { snapshot: second.id, object: `index ${second.index}` },
    ]);
  });
});

describe('prune', () => {
  test('keeps what is needed, frees the rest, and rewrites packs that are mostly unused', async () => {
    for (const store of [
      memoryStore(),
      encryptedStore(memoryStore(), { key: new Uint8Array(32) }),
    ]) {
      inWorkspace(
        sandbox,
        'rm -rf *; for i in {1..20}; do head -c 100000 /dev/urandom > f$i; done',
      );
      const first = await sandbox.snapshot(store);
      // Most of the first pack is needed by nobody once the first snapshot has gone.
      inWorkspace(sandbox, 'rm f1? f2 f20; printf small > g');
      const second = await sandbox.snapshot(store, { parent: first });
      inWorkspace(sandbox, 'head -c 500000 /dev/urandom > own');
      const third = await sandbox.snapshot(store, { parent: second });
      const keep = ({ id }: { id: string }): boolean => id === second.id;
      const plan = await pruneStore(store, { keep, graceMs: 0, dryRun: true });
      expect((await listSnapshots(store)).map(({ id }) => id)).toEqual([
        first.id,
        second.id,
        third.id,
      ]);
      // Nothing is old enough yet: only the records go.
      const careful = await pruneStore(store, { keep });
      expect(careful).toMatchObject({ kept: 1, removedObjects: 0, repacked: 0 });
      expect(careful.removed.toSorted()).toEqual([first.id, third.id].toSorted());
      const before = await bytesIn(store, '');
      const done = await pruneStore(store, { graceMs: 0 });
      expect(done).toMatchObject({ kept: 1, repacked: 1, freedBytes: plan.freedBytes });
      expect(await bytesIn(store, 'packs/')).toBeLessThan(1_000_000);
      expect(before - (await bytesIn(store, ''))).toBeGreaterThan(1_500_000);
      const fresh = { ...store, ...(store.encryption ? { encryption: store.encryption } : {}) };
      expect(await verifyStore(fresh)).toMatchObject({ snapshots: 1, problems: [] });
      await using again = await provider.rehydrate(second, fresh, { verify: true });
      expect(again.origin.verified).toBe(true);
      // Again: what was moved stays found, and a snapshot on top of it is whole.
      await pruneStore(store, { graceMs: 0 });
      const fourth = await sandbox.snapshot(fresh, { parent: second });
      await using last = await provider.rehydrate(fourth, { ...fresh }, { verify: true });
      expect(last.origin.tree).toBe(fourth.tree);
      await expect(provider.rehydrate(first, store)).rejects.toEqual(failsWith('not-found'));
    }
  });

  test('bytes that were pruned are stored again when they come back', async () => {
    const store = memoryStore();
    inWorkspace(
      sandbox,
      'rm -rf *; head -c 200000 /dev/urandom > a; cp a /tmp/gantry-kept-$PPID; printf x > b',
    );
    const first = await sandbox.snapshot(store);
    inWorkspace(sandbox, 'rm a');
    const second = await sandbox.snapshot(store, { parent: first });
    await pruneStore(store, { keep: ({ id }) => id === second.id, graceMs: 0 });
    inWorkspace(sandbox, 'mv /tmp/gantry-kept-$PPID a');
    const third = await sandbox.snapshot(store, { parent: second });
    expect(third.tree).toBe(first.tree);
    expect(await verifyStore({ ...store })).toMatchObject({ snapshots: 2, problems: [] });
  });

  test('one at a time, and a snapshot that was being taken meanwhile is whole or refused', async () => {
    const store = memoryStore();
    inWorkspace(sandbox, 'rm -rf *; head -c 200000 /dev/urandom > a');
    const first = await sandbox.snapshot(store);
    await store.put('locks/prune', new Blob(['{}']).stream());
    await expect(pruneStore(store)).rejects.toEqual(
      failsWith('failed-precondition', { reason: 'locked' }),
    );
    await store.delete('locks/prune');
    // Pruned after the parent was read, before the record is written.
    const meddling: SnapshotStore = {
      ...store,
      async put(key, contents, options) {
        if (key.startsWith('snapshots/'))
          await pruneStore(store, { keep: () => false, graceMs: 0 });
        return store.put(key, contents, options);
      },
    };
    inWorkspace(sandbox, 'printf x > b');
    await expect(sandbox.snapshot(meddling, { parent: first })).rejects.toEqual(
      failsWith('aborted'),
    );
    expect(await listSnapshots(store)).toEqual([]);
  });
});

test('snapshots are listed in order and found by the start of their ids', async () => {
  const store = memoryStore();
  expect(await listSnapshots(store)).toEqual([]);
  const taken = [await sandbox.snapshot(store), await sandbox.snapshot(store)];
  expect((await listSnapshots(store)).map(({ id }) => id).toSorted()).toEqual(
    taken.map(({ id }) => id).toSorted(),
  );
  const [first] = taken;
  expect((await readSnapshot(first?.id.slice(0, 20) ?? '', store)).id).toBe(first?.id);
  await expect(readSnapshot('0123', store)).rejects.toEqual(failsWith('not-found'));
  await expect(readSnapshot('xyz', store)).rejects.toEqual(failsWith('invalid-argument'));
});

test('a long chain of snapshots stays short to read, and each comes back', async () => {
  const store = memoryStore();
  inWorkspace(sandbox, 'rm -rf *; for i in {1..40}; do printf "file $i" > f$i; done; ln f1 g1');
  let last = await sandbox.snapshot(store);
  const trees = [last];
  for (let step = 1; step <= 20; step += 1) {
    inWorkspace(
      sandbox,
      `printf 'step ${step}' > f${step}; rm -f new-${step - 1}; printf x > new-${step}`,
    );
    last = await sandbox.snapshot(store, { parent: last });
    trees.push(last);
  }
  const fresh = { ...store };
  expect(await verifyStore(fresh)).toMatchObject({ snapshots: 21, problems: [] });
  for (const snapshot of [trees[0], trees[15], trees[16], trees[20]]) {
    if (!snapshot) throw new Error('there are 21 snapshots');
    await using again = await provider.rehydrate(snapshot, fresh, { verify: true });
    expect(again.origin.tree).toBe(snapshot.tree);
  }
});

test('a capture that is killed leaves a store that is whole', { timeout: 120_000 }, async () => {
  expect(await crashAndVerify(3)).toEqual({ killed: 3, problems: [] });
});
