import type { Sandbox, Snapshot } from '@gantry/core';
import assert from 'node:assert/strict';
import { memoryStore } from '@gantry/core/snapshot';
import { type Context, isRoot, type Scenario, shell } from './scenario.ts';

const start = `for d in a b c d e f; do mkdir -p $d/in; for n in 1 2 3; do echo "$d $n" > $d/$n; echo "$d in $n" > $d/in/$n; done; done
head -c 2000000 /dev/urandom > large; ln -s a/1 link; mkdir empty`;

/** What a guest may do, one after another; after each, the layer must tell what a look at every byte tells. */
const steps = [
  'echo more >> a/1; rm a/2; echo new > a/new; mkdir n; echo n > n/n',
  'rm a/new n/n; chmod 700 b; ln a/1 a/twin; echo x > link',
  // Another directory of the same name, with less in it, and with the same in it.
  'rm -r b; mkdir b; echo only > b/1; rm -r c/in; mkdir c/in; for n in 1 2 3; do echo "c in $n" > c/in/$n; done',
  // Directories that are moved, one into the place of another, and one that comes back.
  'mv d moved; mv e d; mv moved/in e; mkdir -p x/y; mv f x/y/f',
  'mv x/y/f f; rm -r x; echo 4 >> f/in/1; rm -r e; echo file > e',
  'rm link; mkdir link; echo 5 > link/5; rm -r a/in; ln -s ../b a/in; rmdir empty; echo file > empty',
  'rm empty; mkdir -p empty/deep; printf odd > "empty/deep/n\nl"; touch -d @1000000000 f; mkfifo empty/fifo',
  'find . -type f -exec chmod g+w {} +; mv f/in/2 f/in/3; cp -a d copy; rm -r d',
];

async function follow(sandbox: Sandbox, lines: readonly string[]): Promise<readonly Snapshot[]> {
  const store = memoryStore();
  let last: Snapshot = await sandbox.snapshot(store);
  const all = [last];
  for (const line of lines) {
    await shell(sandbox, line);
    const next = await sandbox.snapshot(store, { parent: last });
    assert.equal(next.evidence, 'host-layer', line);
    const whole = await sandbox.snapshot(memoryStore(), { evidence: 'bytes' });
    assert.equal(next.tree, whole.tree, `the tree after ${line}`);
    assert.deepEqual(next.contents, whole.contents, `what is counted after ${line}`);
    assert.deepEqual(next.skipped, whole.skipped, `what is left out after ${line}`);
    last = next;
    all.push(last);
  }
  return all;
}

const ofTheLayer: Scenario['run'] = async (context) => {
  await using source = await context.provider.create();
  await shell(source, start);
  await using fork = await forked(source);
  if (!isRoot) {
    // The mount is there for root alone; programs in the sandbox tell.
    assert.equal(fork.capabilities.changes, undefined);
    return;
  }
  assert.equal(fork.capabilities.changes?.evidence, 'host-layer');
  const trees = (await follow(fork, steps)).map(({ tree }) => tree);
  assert.equal(new Set(trees).size, steps.length + 1);
  const store = memoryStore();
  const first = await fork.snapshot(store);
  await shell(fork, 'echo end >> copy/1');
  const { work } = await fork.snapshot(store, { parent: first });
  // What was written shortly before the first look may be read once more; the large file of the layer is not.
  assert.ok(work.bytesRead < 100_000, `${work.bytesRead} bytes were read`);
};

const ofManyLayers: Scenario['run'] = async (context) => {
  if (!isRoot) return notForThem(context);
  await using source = await context.provider.create();
  await shell(source, start);
  await using first = await forked(source);
  await shell(first, 'mv a between; rm -r b; mkdir b; echo b > b/b; ln c/1 c/linked');
  await using second = await forked(first);
  await follow(second, ['mv between a; echo x >> c/1; rm b/b', 'rm c/1; mv d b/d; echo 2 > a/2']);
};

const ofLinkedFiles: Scenario['run'] = async (context) => {
  if (!isRoot) return notForThem(context);
  await using source = await context.provider.create();
  await shell(source, `${start}; ln a/1 b/linked; ln a/1 z`);
  await using fork = await forked(source);
  await follow(fork, ['echo through >> z', 'rm a/1', 'mv b/linked a/1; echo again > a/1']);
};

async function forked(source: Sandbox): Promise<Sandbox> {
  const [result] = await source.fork(1);
  if (result?.status !== 'fulfilled') throw result?.reason;
  return result.value;
}

async function notForThem({ provider }: Context): Promise<void> {
  await using source = await provider.create();
  await using fork = await forked(source);
  assert.equal(fork.capabilities.changes, undefined);
}

export const layerScenarios: readonly Scenario[] = [
  { name: 'what a fork wrote is told from its layer, whatever it did', run: ofTheLayer },
  { name: 'a fork of a fork is told from the whole of its layers', run: ofManyLayers },
  { name: 'files with several names below a fork are told under all of them', run: ofLinkedFiles },
];
