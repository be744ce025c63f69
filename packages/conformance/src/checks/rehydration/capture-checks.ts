import { memoryStore } from '@gantry/core/snapshot';
import { faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import { captured, contentsOf, filled, rehydrated } from './workspace.ts';

export const captureChecks: readonly Check[] = [
  must(
    'rehydration/equal-trees',
    'snapshot-exact',
    'workspaces have equal digests exactly when they are equal',
    async (t) => {
      const [one, two] = await Promise.all([filled(t), filled(t)]);
      const first = await one.snapshot(memoryStore());
      t.equal((await two.snapshot(memoryStore())).tree, first.tree, 'digest of an equal workspace');
      t.equal((await one.snapshot(memoryStore())).tree, first.tree, 'digest of the same again');
      for (const line of [
        'chmod 750 d/tool',
        'rm twin; cp d/bytes twin',
        'printf y > "d/$(printf "\\351")"',
        'rmdir empty',
      ]) {
        const before = (await two.snapshot(memoryStore())).tree;
        t.ok((await two.exec(line)).ok, line);
        t.ok((await two.snapshot(memoryStore())).tree !== before, `${line} changes no digest`);
      }
    },
    { extraMs: 20_000 },
  ),
  must(
    'rehydration/unaltered',
    'snapshot-unaltered',
    'taking a snapshot changes nothing in the workspace',
    async (t) => {
      const sandbox = await filled(t);
      const before = await contentsOf(t, sandbox);
      await sandbox.snapshot(memoryStore());
      await sandbox.snapshot(memoryStore(), { evidence: 'bytes' });
      t.equal(await contentsOf(t, sandbox), before, 'the workspace');
    },
  ),
  must(
    'rehydration/skipped',
    'snapshot-skipped',
    'what a snapshot cannot hold is left out and named',
    async (t) => {
      const sandbox = await t.create();
      t.succeeded(await sandbox.exec('mkdir d; mkfifo d/pipe; echo x > d/file'), 'mkfifo');
      const store = memoryStore();
      const snapshot = await sandbox.snapshot(store);
      t.equal(snapshot.skipped, [{ path: 'd/pipe', type: 'fifo' }], 'what is said to be left out');
      const again = await rehydrated(t, snapshot, store);
      const names = (await again.files.list('d')).map(({ name }) => name);
      t.equal(names, ['file'], 'what comes back');
    },
  ),
  must(
    'rehydration/evidence',
    'snapshot-evidence',
    'a snapshot says what it relies on, and refuses what the provider cannot give',
    async (t) => {
      const { sandbox, store, snapshot } = await captured(t);
      const layer = t.capabilities.changes?.evidence === 'host-layer';
      const taking = (): ReturnType<typeof sandbox.snapshot> =>
        sandbox.snapshot(store, { parent: snapshot, evidence: 'host-layer' });
      if (layer) t.equal((await taking()).evidence, 'host-layer', 'evidence by the host');
      else await t.rejects('unsupported', taking, 'evidence that there is not');
      // The same size, and the times set back: only the bytes tell.
      t.ok((await sandbox.exec('printf "RUN" > d/tool; touch -r d/bytes d/tool')).ok, 'a change');
      const read = await sandbox.snapshot(store, { parent: snapshot, evidence: 'bytes' });
      t.equal(read.evidence, 'bytes', 'evidence when all is read');
      t.ok(read.tree !== snapshot.tree, 'a change went unnoticed though every byte was read');
      const again = await rehydrated(t, read, store);
      t.equal(await again.files.readText('d/tool'), 'RUN', 'the file, changed');
    },
  ),
  must(
    'rehydration/incremental',
    'snapshot-incremental',
    'on a parent only what changed travels, and nothing is missed',
    async (t) => {
      const sandbox = await filled(t);
      t.succeeded(await sandbox.exec('head -c 3000000 /dev/urandom > large'), 'a large file');
      const store = memoryStore();
      const first = await sandbox.snapshot(store);
      // Past the time in which a change could leave no trace.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const line = 'printf new > new; rm -r d/inner; mv twin moved; chmod 640 d/tool';
      t.ok((await sandbox.exec(line)).ok, 'the changes');
      const second = await sandbox.snapshot(store, { parent: first });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const third = await sandbox.snapshot(store, { parent: second });
      t.equal(third.tree, second.tree, 'digest when nothing changed');
      const moved = third.work.bytesRead;
      t.ok(moved < 1_000_000, `${moved} bytes of 3 MB travelled though nothing had changed`);
      const full = await sandbox.snapshot(memoryStore(), { evidence: 'bytes' });
      t.equal(second.tree, full.tree, 'digest of what all bytes say');
      const again = await rehydrated(t, third.id, store, { verify: true });
      t.equal(await contentsOf(t, again), await contentsOf(t, sandbox), 'what comes back');
    },
    { extraMs: 10_000 },
  ),
  must(
    'rehydration/secrets',
    'snapshot-secrets',
    'a known secret is refused and not told, unless acknowledged',
    async (t) => {
      const sandbox = await t.create();
      const secret = t.word('secret');
      await sandbox.files.write('d/config', `${'x'.repeat(70_000)}key=${secret}\n`);
      const store = memoryStore();
      const taking = (): Promise<unknown> => sandbox.snapshot(store, { secrets: [secret] });
      const error = await t.rejects('failed-precondition', taking, 'a snapshot with a secret');
      t.equal(error.details['reason'], 'secret', 'details.reason');
      t.ok(!JSON.stringify([error, error.message]).includes(secret), 'the error tells the secret');
      t.equal(
        (await Array.fromAsync(store.list('snapshots/'))).length,
        0,
        'snapshots in the store',
      );
      const options = { secrets: [secret], acknowledgeSecrets: true };
      t.equal((await sandbox.snapshot(store, options)).contents.files, 1, 'files, acknowledged');
    },
  ),
  must(
    'rehydration/complete',
    'snapshot-complete',
    'a file that cannot be read fails the snapshot, or is in it',
    async (t) => {
      const sandbox = await t.create();
      t.ok(
        (await sandbox.exec('echo hidden > closed; echo x > open; chmod 000 closed')).ok,
        'files',
      );
      const store = memoryStore();
      const taking = sandbox.snapshot(store);
      const [taken] = await Promise.allSettled([taking]);
      if (taken.status === 'rejected') {
        await t.rejects('permission-denied', taking, 'a snapshot of what cannot be read');
        t.equal((await Array.fromAsync(store.list('snapshots/'))).length, 0, 'snapshots');
        return;
      }
      t.equal(taken.value.contents, { ...taken.value.contents, files: 2, bytes: 9 }, 'contents');
      const again = await rehydrated(t, taken.value, store);
      t.ok((await again.exec('chmod 600 closed')).ok, 'opening the file');
      t.equal(await again.files.readText('closed'), 'hidden\n', 'what could not be read before');
    },
  ),
  must(
    'rehydration/last',
    'snapshot-last',
    'a snapshot that fails leaves the ones before it whole, and none of its own',
    async (t) => {
      const { sandbox, store, snapshot } = await captured(t);
      t.ok((await sandbox.exec('head -c 500000 /dev/urandom > more')).ok, 'a change');
      const fault = { kind: 'truncate', afterBytes: 300 } as const;
      const rules = [1, 2, 3, 4].map((nth) => ({ operation: 'spawn', nth, fault }) as const);
      const weak = t.provider.wrap((driver) => {
        const { changes: _left, archive: _kept, ...plain } = driver;
        return faulty({ rules, seed: t.state.seed })(plain);
      });
      const broken = await weak.connect(sandbox.ref);
      const taking = broken.snapshot(store, { parent: snapshot });
      await t.rejects(
        ['unavailable', 'data-loss', 'aborted', 'unknown', 'internal'],
        taking,
        'a snapshot over a bad link',
      );
      await broken.release();
      const kept = (await Array.fromAsync(store.list('snapshots/'))).length;
      t.equal(kept, 1, 'snapshots in the store');
      const again = await rehydrated(t, snapshot, store, { verify: true });
      t.equal(again.origin.tree, snapshot.tree, 'the snapshot before');
    },
  ),
];
