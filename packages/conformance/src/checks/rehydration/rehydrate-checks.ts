import { memoryStore, type Snapshot } from '@gantry/core/snapshot';
import { faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import { captured, contentsOf, refusedAndGone, rehydrated } from './workspace.ts';

export const rehydrateChecks: readonly Check[] = [
  must(
    'rehydration/exact',
    'rehydrate-exact',
    'a rehydrated workspace is as it was, to the last name and bit',
    async (t) => {
      const { sandbox, store, snapshot } = await captured(t);
      const before = await contentsOf(t, sandbox);
      t.ok((await sandbox.exec('rm -r d; echo later > later')).ok, 'a change after the snapshot');
      await sandbox.destroy();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON has kept of one
      const stored = JSON.parse(JSON.stringify(snapshot)) as Snapshot;
      const again = await rehydrated(t, stored, store, { verify: true });
      t.equal(await contentsOf(t, again), before, 'the workspace');
      t.equal((await again.snapshot(memoryStore())).tree, snapshot.tree, 'its digest');
      const { how, tree, snapshot: id, verified } = again.origin;
      t.equal(
        [how, tree, id, verified],
        ['rehydrated', snapshot.tree, snapshot.id, true],
        'origin',
      );
      t.equal(
        (await again.exec('cat d/inner/link | wc -c')).stdout.text.trim(),
        '7',
        'through a link',
      );
    },
  ),
  must(
    'rehydration/own-state',
    'snapshot-exact',
    'a snapshot is no live pointer, and two sandboxes of it share nothing',
    async (t) => {
      const { sandbox, store, snapshot } = await captured(t);
      await sandbox.files.write('d/tool', 'changed later');
      const [one, two] = await Promise.all([
        rehydrated(t, snapshot, store),
        rehydrated(t, snapshot, store),
      ]);
      t.equal(await one.files.readText('d/tool'), 'run', 'a file that has changed since');
      await one.files.write('d/tool', 'changed in one');
      t.equal(await two.files.readText('d/tool'), 'run', 'the same file in the other');
      t.ok(one.ref.id !== two.ref.id, 'both are one sandbox');
    },
  ),
  must(
    'rehydration/missing',
    'rehydrate-missing',
    'a snapshot that is not in the store is not-found, before a sandbox is made',
    async (t) => {
      const { store } = await captured(t);
      const { provider, counts } = t.counted();
      const none = 'ab'.repeat(32);
      await t.rejects('not-found', () => rehydrated(t, none, store, {}, provider), 'rehydrate');
      t.equal(counts.byOperation.get('create') ?? 0, 0, 'creates of the driver');
    },
  ),
  must(
    'rehydration/damaged',
    'rehydrate-verified',
    'a byte that is not what it was is data-loss, by name, and leaves no sandbox',
    async (t) => {
      const { store, snapshot } = await captured(t);
      for (const prefix of ['snapshots/', 'indexes/', 'packs/']) {
        const [object] = await Array.fromAsync(store.list(prefix));
        const { key } = t.present(object, `the store has nothing below ${prefix}`);
        const bytes = await new Response(await store.get(key)).bytes();
        const bad = Uint8Array.from(bytes);
        const at = prefix === 'packs/' ? 8 : bad.length - 5;
        bad[at] = (bad[at] ?? 0) ^ 0xff;
        await store.put(key, new Blob([bad]).stream());
        // A copy of the store object: nothing of it is remembered.
        const error = await refusedAndGone(t, 'data-loss', (provider) =>
          rehydrated(t, snapshot.id, { ...store }, {}, provider),
        );
        t.ok(error.details['object'] !== undefined, `the error names no object of ${prefix}`);
        await store.put(key, new Blob([bytes]).stream());
      }
      const again = await rehydrated(t, snapshot, { ...store }, { verify: true });
      t.equal(again.origin.tree, snapshot.tree, 'the snapshot, mended');
    },
    { extraMs: 10_000 },
  ),
  must(
    'rehydration/nothing-left',
    'rehydrate-nothing-left',
    'a rehydrate over a bad link leaves no sandbox',
    async (t) => {
      const { store, snapshot } = await captured(t);
      const rules = [1, 2, 3].map(
        (nth) => ({ operation: 'spawn', nth, fault: { kind: 'fail' } }) as const,
      );
      await refusedAndGone(
        t,
        'unavailable',
        (provider) => rehydrated(t, snapshot, store, {}, provider),
        ({ archive: _left, ...driver }) => faulty({ rules, seed: t.state.seed })(driver),
      );
    },
  ),
  must(
    'rehydration/limits',
    'rehydrate-limits',
    'more than the limits allow is refused before anything is written',
    async (t) => {
      const { store, snapshot } = await captured(t);
      for (const limits of [{ maxBytes: 5 }, { maxEntries: 3 }])
        await refusedAndGone(t, 'resource-exhausted', (provider) =>
          rehydrated(t, snapshot, store, { limits }, provider),
        );
      const maxBytes = snapshot.contents.bytes;
      const again = await rehydrated(t, snapshot, store, { limits: { maxBytes } });
      t.equal(await again.files.readText('d/tool'), 'run', 'a file within the limits');
    },
  ),
  must(
    'rehydration/recover',
    'recover-receipt',
    'recover says how a sandbox came back, and what was lost',
    async (t) => {
      const { sandbox, store, snapshot } = await captured(t);
      const labels = t.state.labels;
      const rehydrate = { snapshot, store, labels };
      const same = await t.provider.recover(sandbox.ref, { rehydrate });
      t.equal([same.origin.how, same.origin.lost], ['reattached', []], 'origin of a live one');
      t.equal(same.ref, sandbox.ref, 'ref of a live one');
      await same.release();
      await sandbox.destroy();
      const back = await t.provider.recover(sandbox.ref, { rehydrate });
      t.adopt(back.ref);
      t.equal(
        [back.origin.how, back.origin.of],
        ['rehydrated', sandbox.ref],
        'origin of a gone one',
      );
      t.ok(back.origin.lost.includes('processes'), 'that processes are lost is not said');
      t.equal(await back.files.readText('d/tool'), 'run', 'its files');
      const anew = await t.provider.recover(sandbox.ref, { recreate: { labels } });
      t.adopt(anew.ref);
      t.equal(anew.origin.how, 'recreated', 'origin of one without a snapshot');
      t.ok(anew.origin.lost.includes('workspace'), 'that the workspace is lost is not said');
    },
  ),
  must(
    'rehydration/no-silence',
    'recover-no-silence',
    'a missing sandbox is an error, and a lost link is no absence',
    async (t) => {
      const { sandbox, store, snapshot } = await captured(t);
      const rules = [{ operation: 'inspect', fault: { kind: 'fail' } }] as const;
      const { provider, counts } = t.counted(faulty({ rules, seed: t.state.seed }));
      const options = { rehydrate: { snapshot, store }, recreate: {} };
      await t.rejects('unavailable', () => provider.recover(sandbox.ref, options), 'a lost link');
      t.equal(counts.byOperation.get('create') ?? 0, 0, 'creates after a lost link');
      await sandbox.destroy();
      await t.rejects(
        'not-found',
        () => t.provider.recover(sandbox.ref),
        'recover of what is gone',
      );
    },
  ),
  must(
    'rehydration/fork',
    'fork-way',
    'where the provider cannot fork, a store makes it possible, and the receipt says so',
    async (t) => {
      const provider = t.provider.wrap((driver) => {
        const { fork: _left, nativeSnapshot: _kept, ...plain } = driver;
        return plain;
      });
      const sandbox = await t.create({}, provider);
      await sandbox.files.write('file', 'forked');
      await t.rejects('unsupported', () => sandbox.fork(1), 'a fork without a store');
      const [result] = await sandbox.fork(1, { store: memoryStore(), labels: t.state.labels });
      const fork =
        result?.status === 'fulfilled'
          ? result.value
          : t.fail(`the fork failed: ${String(result?.reason)}`);
      t.adopt(fork.ref);
      t.equal([fork.origin.how, fork.origin.by], ['forked', 'snapshot'], 'origin');
      t.equal(await fork.files.readText('file'), 'forked', 'its file');
      t.ok(fork.ref.id !== sandbox.ref.id, 'it is the source itself');
    },
  ),
];
