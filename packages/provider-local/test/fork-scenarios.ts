import assert from 'node:assert/strict';
import { directoryStore } from '@gantry/core/node';
import type { Sandbox } from '@gantry/core';
import path from 'node:path';
import { assertNothingLeft, type Context, isRoot, type Scenario, shell } from './scenario.ts';

async function forks(sandbox: Sandbox, count: number): Promise<Sandbox[]> {
  const settled = await sandbox.fork(count);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    assert.equal(result.value.origin.how, 'forked');
    assert.equal(result.value.origin.by, 'fork');
    assert.deepEqual(result.value.origin.of, sandbox.ref);
    return result.value;
  });
}

const setUp = String.raw`mkdir -p d/inner closed; echo common > d/file; ln d/file d/link; ln -s /workspace/d/file absolute
printf '#!/bin/sh\necho ran\n' > d/run; chmod 750 d/run; chmod 500 closed; printf x > 'o d
d'`;
const listing = String.raw`find . -mindepth 1 -printf '%P|%y|%m|%n|%l\n' | sed 's/|d|\([0-7]*\)|[0-9]*/|d|\1|-/' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum`;

const ownState: Scenario['run'] = async (context) => {
  const env = { FORKED: 'yes' };
  const source = await context.provider.create({ manifest: { spec: 'gantry-manifest/1', env } });
  await shell(source, setUp);
  const before = await shell(source, listing);
  const clones = await forks(source, 3);
  for (const clone of clones) {
    assert.equal(await shell(clone, listing), before);
    assert.equal(await shell(clone, 'echo $FORKED; d/run; cat absolute'), 'yes\nran\ncommon\n');
  }
  const [first, second, third] = clones;
  assert.ok(first && second && third);
  // In every way in which a file can be changed, and none of it is seen elsewhere.
  await shell(
    first,
    'echo more >> d/file; mv d/inner d/moved; rm -r closed; echo new > d/run; chmod 600 "o d\nd" || true',
  );
  await shell(source, 'echo source > d/file');
  await source.destroy();
  assert.equal(await shell(second, listing), before);
  assert.equal(await shell(first, 'cat d/file; ls'), 'common\nmore\nabsolute\nd\no d\nd\n');
  // Also from another object, and after the source is gone.
  await using again = await context.provider.connect(third.ref);
  assert.equal(await shell(again, 'cat d/file'), 'common\n');
  for (const clone of clones) await clone.destroy();
  for await (const _ of context.provider.list()); // Sweeps.
  assertNothingLeft(context);
};

const forkOfFork: Scenario['run'] = async (context) => {
  await using source = await context.provider.create();
  await shell(source, `${setUp}; rm -rf closed`);
  const [first] = await forks(source, 1);
  assert.ok(first);
  await shell(
    first,
    'echo changed > d/file; rm d/run; mkdir d/run; echo y > d/run/y; rm -r d/inner; mkdir d/inner',
  );
  const expected = await shell(first, listing);
  const [second] = await forks(first, 1);
  assert.ok(second);
  assert.equal(await shell(second, listing), expected);
  await first.destroy();
  assert.equal(await shell(second, listing), expected);
  // A snapshot of a clone is like any other.
  const store = directoryStore(path.join(context.scratch, 'snapshots'));
  const taken = await second.snapshot(store);
  await shell(second, 'echo z > d/z');
  const next = await second.snapshot(store, { parent: taken });
  await using back = await context.provider.rehydrate(next, store, { verify: true });
  const names = 'find . | sort; cat d/file d/link d/run/y d/z';
  assert.equal(await shell(back, names), await shell(second, names));
  assert.equal(back.origin.verified, true);
  await second.destroy();
};

/** To rename a directory of a layer, and to write to a file by one of two names, need help of the overlay that only root gets. */
const renames: Scenario['run'] = async (context) => {
  await using source = await context.provider.create();
  await shell(source, setUp);
  const [clone] = await forks(source, 1);
  assert.ok(clone);
  await shell(clone, 'mv d e; echo more >> e/file');
  assert.equal(await shell(clone, 'ls e; cat e/file'), 'file\ninner\nlink\nrun\ncommon\nmore\n');
  if (isRoot) assert.equal(await shell(clone, 'cat e/link'), 'common\nmore\n');
  await clone.destroy();
};

const refused: Scenario['run'] = async (context: Context) => {
  await using sandbox = await context.provider.create();
  for (const count of [0, 1.5, 1_001]) {
    await assert.rejects(sandbox.fork(count), { code: 'invalid-argument' });
  }
};

export const forkScenarios: readonly Scenario[] = [
  { name: 'forks have the source’s files, and none sees another’s changes', run: ownState },
  { name: 'a fork of a fork has what that one changed', run: forkOfFork },
  { name: 'a fork renames directories and keeps hard links as far as overlays can', run: renames },
  { name: 'numbers that cannot be forked are refused', run: refused },
];
