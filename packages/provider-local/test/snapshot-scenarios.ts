import assert from 'node:assert/strict';
import { directoryStore } from '@gantry/core/node';
import { verifyStore } from '@gantry/core/snapshot';
import path from 'node:path';
import { type Context, type Scenario, shell } from './scenario.ts';

const contents = String.raw`mkdir -p a/b empty; echo one > a/b/x; ln a/b/x a/hard; ln -s /workspace/a/b/x absolute
printf '#!/workspace/a/run\n' > a/run; chmod 750 a/run; printf x > 'n
l'; head -c 3000000 /dev/urandom > large; chmod 500 a/b; touch -d @1000000000 a/run; mkfifo f`;

const listing = String.raw`find . -mindepth 1 ! -name f -printf '%P|%y|%m|%n|%l\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum; stat -c %Y a/run`;

const there = (context: Context): ReturnType<typeof directoryStore> =>
  directoryStore(path.join(context.scratch, 'snapshots'));

const comesBack: Scenario['run'] = async (context) => {
  const store = there(context);
  await using sandbox = await context.provider.create();
  await shell(sandbox, contents);
  const first = await sandbox.snapshot(store);
  assert.equal(first.evidence, 'bytes');
  assert.deepEqual(first.skipped, [{ path: 'f', type: 'fifo' }]);
  await using again = await context.provider.rehydrate(first, store, { verify: true });
  assert.equal(await shell(again, listing), await shell(sandbox, listing));
  assert.equal(await shell(again, 'cat absolute'), 'one\n');
};

const travelsLight: Scenario['run'] = async (context) => {
  const store = there(context);
  await using sandbox = await context.provider.create();
  // What was written just before a look may change unseen after it, and is read again.
  await shell(sandbox, `${contents}; sleep 0.1`);
  const first = await sandbox.snapshot(store);
  await shell(
    sandbox,
    'chmod 700 a/b; echo more >> a/b/x; rm a/run; mkdir a/run; echo y > a/run/y; rm empty -r; ln -s x empty',
  );
  const second = await sandbox.snapshot(store, { parent: first });
  assert.equal(second.evidence, 'host-layer');
  assert.ok(second.work.bytesRead < 1_000, `${second.work.bytesRead} bytes were read`);
  assert.deepEqual(second.skipped, first.skipped);
  const whole = await sandbox.snapshot(store, { parent: second, evidence: 'bytes' });
  assert.equal(whole.evidence, 'bytes');
  assert.equal(second.tree, whole.tree);
  assert.deepEqual(second.contents, whole.contents);
  const listed = await sandbox.snapshot(store, { parent: whole, evidence: 'guest-metadata' });
  assert.equal(listed.tree, whole.tree);
  // And goes on so in another sandbox, from the snapshot that it was made of.
  await using again = await context.provider.rehydrate(second, store);
  await shell(again, 'echo other > new');
  const next = await again.snapshot(store, { parent: second });
  assert.equal(next.evidence, 'host-layer');
  assert.ok(next.work.bytesRead < 3_100_000);
  const all = await again.snapshot(store, { evidence: 'bytes' });
  assert.equal(next.tree, all.tree);
  assert.deepEqual((await verifyStore(store)).problems, []);
};

/** A guest can set every time but the one that the kernel keeps. */
const notDeceived: Scenario['run'] = async (context) => {
  const store = there(context);
  await using sandbox = await context.provider.create();
  await shell(sandbox, 'printf one > file; touch -d @1000000000 file; sleep 0.1');
  const first = await sandbox.snapshot(store);
  await shell(sandbox, 'printf two > file; touch -d @1000000000 file');
  const second = await sandbox.snapshot(store, { parent: first });
  assert.equal(second.evidence, 'host-layer');
  assert.notEqual(second.tree, first.tree);
  assert.equal(second.work.bytesRead, 3);
};

/** Most of a large file need not be there, neither in the store nor in the next sandbox. */
const holesStay: Scenario['run'] = async (context) => {
  const store = there(context);
  await using sandbox = await context.provider.create();
  await shell(
    sandbox,
    'truncate -s 100M sparse; printf middle | dd of=sparse bs=1 seek=30000001 conv=notrunc 2>/dev/null',
  );
  const first = await sandbox.snapshot(store);
  assert.ok(first.work.bytesStored < 1_000, `${first.work.bytesStored} bytes were stored`);
  await using again = await context.provider.rehydrate(first, store);
  assert.ok(!again.origin.lost.includes('holes'));
  const [size, blocks] = (await shell(again, 'stat -c "%s %b" sparse')).split(' ').map(Number);
  assert.equal(size, 100 * 1024 ** 2);
  assert.ok((blocks ?? Infinity) * 512 < 1_000_000, `${blocks} blocks are on the disk`);
  const middle = 'tail -c +30000000 sparse | head -c 10 | od -An -c';
  assert.equal(await shell(again, middle), await shell(sandbox, middle));
  await assert.rejects(
    context.provider.rehydrate(first, store, { limits: { maxBytes: 2 ** 26 } }),
    {
      code: 'resource-exhausted',
    },
  );
  const whole = await again.snapshot(store, { evidence: 'bytes' });
  assert.equal(whole.tree, first.tree);
};

export const snapshotScenarios: readonly Scenario[] = [
  { name: 'a snapshot comes back exactly in another sandbox', run: comesBack },
  { name: 'what changed since a snapshot is read by the host alone', run: travelsLight },
  { name: 'holes of a sparse file stay holes', run: holesStay },
  { name: 'a guest that sets times hides no change', run: notDeceived },
];
