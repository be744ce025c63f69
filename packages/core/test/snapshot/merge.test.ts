import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encryptedStore, importTar, memoryStore, verifyStore } from '../../src/snapshot.ts';
import type { SnapshotStore } from '../../src/snapshot.ts';
import { mergeSnapshots } from '../../src/snapshot/upkeep/merge-snapshots.ts';
import { inChunks, type MadeEntry, tarBytes } from '../manifest/tar-bytes.ts';

/** A tree in short: `a` a file with these contents, `d/` a directory, `-> target` a symbolic link, `= path` a hard link. */
type Tree = Readonly<Record<string, string | number>>;

function entryOf([path, what]: readonly [string, string | number]): MadeEntry {
  if (path.endsWith('/')) {
    return { path: path.slice(0, -1), type: 'directory', mode: Number(what) };
  }
  const text = String(what);
  if (text.startsWith('-> ')) return { path, type: 'symlink', target: text.slice(3) };
  if (text.startsWith('= ')) return { path, type: 'hardlink', target: text.slice(2) };
  const mode = text.startsWith('#!') ? 0o755 : 0o644;
  return { path: Buffer.from(path, 'latin1'), contents: text, mode };
}

async function snapshotOf(tree: Tree, store: SnapshotStore): Promise<{ id: string; tree: string }> {
  const entries = Object.entries(tree).map(entryOf);
  return importTar(inChunks(tarBytes(...entries), 50_000), store);
}

/** Merges, in both directions, which must come to the same. */
async function merge(
  base: Tree,
  ours: Tree,
  theirs: Tree,
  store: SnapshotStore = memoryStore(),
): Promise<{ readonly tree?: string; readonly conflicts: readonly string[] }> {
  const [first, one, two] = [
    (await snapshotOf(base, store)).id,
    (await snapshotOf(ours, store)).id,
    (await snapshotOf(theirs, store)).id,
  ];
  const merged = await mergeSnapshots({ base: first, ours: one, theirs: two }, store);
  const turned = await mergeSnapshots({ base: first, ours: two, theirs: one }, store);
  expect(turned.snapshot?.tree).toBe(merged.snapshot?.tree);
  expect(turned.conflicts).toEqual(merged.conflicts);
  expect((await verifyStore(store)).problems).toEqual([]);
  const { snapshot, conflicts } = merged;
  return { ...(snapshot ? { tree: snapshot.tree } : {}), conflicts };
}

const large = (letter: string): string =>
  Array.from({ length: 300_000 }, (_, index) => `${letter}${index}\n`).join('');

const base: Tree = {
  'd/': 0o755,
  'd/a': 'one',
  'd/b': 'two',
  'e/': 0o755,
  'e/x': 'x',
  f: 'f',
  g: '= f',
  l: '-> f',
};
const without = (tree: Tree, ...paths: readonly string[]): Tree =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !paths.includes(path)));

describe('what two sides did apart from each other', () => {
  test.each<[string, Tree, Tree, Tree]>([
    ['nothing', base, base, base],
    ['one side alone', base, { ...base, 'd/a': 'ONE' }, { ...base, 'd/a': 'ONE' }],
    [
      'different files, bytes and modes and odd names and links',
      { ...without(base, 'e/', 'e/x'), 'd/a': '\u0000\u00ff\r\n', 'd/\u00fe': '' },
      { ...base, 'd/b': '#!two', 'n/': 0o700, 'n/l': '-> ../d' },
      {
        ...without(base, 'e/', 'e/x'),
        ...{ 'd/a': '\u0000\u00ff\r\n', 'd/\u00fe': '', 'd/b': '#!two' },
        ...{ 'n/': 0o700, 'n/l': '-> ../d' },
      },
    ],
    [
      'the same on both sides',
      { ...without(base, 'd/b'), 'd/a': 'ONE', 'n/': 0o755, 'n/1': '1' },
      { ...without(base, 'd/b'), 'd/a': 'ONE', 'n/': 0o755, 'n/2': '2' },
      { ...without(base, 'd/b'), 'd/a': 'ONE', 'n/': 0o755, 'n/1': '1', 'n/2': '2' },
    ],
    [
      'a directory that one side removes stays for what the other puts into it',
      without(base, 'e/', 'e/x'),
      { ...base, 'e/y': 'y' },
      { ...without(base, 'e/x'), 'e/y': 'y' },
    ],
    [
      'a file that becomes a directory, and a directory that becomes a file',
      { ...without(base, 'f', 'g', 'l'), l: '-> e', 'f/': 0o755, 'f/in': 'f' },
      { ...without(base, 'e/', 'e/x'), e: 'now a file' },
      {
        ...without(base, 'f', 'g', 'l', 'e/', 'e/x'),
        ...{ l: '-> e', 'f/': 0o755, 'f/in': 'f', e: 'now a file' },
      },
    ],
    [
      'one more name of a file whose contents the other side changed',
      { ...base, f: 'F' },
      { ...base, h: '= f' },
      { ...base, f: 'F', h: '= f' },
    ],
  ])('is in the merge: %s', async (_, ours, theirs, expected) => {
    const store = memoryStore();
    const merged = await merge(base, ours, theirs, store);
    expect(merged).toEqual({ tree: (await snapshotOf(expected, store)).tree, conflicts: [] });
  });

  test.each<[string, Tree, Tree, readonly string[]]>([
    ['changed twice', { ...base, 'd/a': '1' }, { ...base, 'd/a': '2' }, ['d/a']],
    ['added twice', { ...base, n: '1', m: '' }, { ...base, n: '2', m: '' }, ['n']],
    ['changed and removed', { ...base, 'e/x': '1' }, without(base, 'e/', 'e/x'), ['e/x']],
    ['its mode and its contents', { ...base, 'd/a': '#!' }, { ...base, 'd/a': 'o' }, ['d/a']],
    [
      'a directory that is a file now',
      { ...without(base, 'e/', 'e/x'), e: 'file' },
      { ...base, 'e/y': 'y' },
      ['e'],
    ],
    ['a link and a directory', { ...base, n: '-> d' }, { ...base, 'n/': 0o755, 'n/1': '1' }, ['n']],
    [
      'a name of a file that the other side removed',
      without(base, 'f', 'g', 'l'),
      { ...base, h: '= f' },
      ['h'],
    ],
  ])('is a conflict, and nothing of it is done: %s', async (_, ours, theirs, conflicts) => {
    expect(await merge(base, ours, theirs)).toEqual({ conflicts });
  });

  test('large files and an encrypted store', async () => {
    const store = encryptedStore(memoryStore(), { key: randomBytes(32) });
    const merged = await merge({ a: 'a' }, { a: 'a', b: large('b') }, { a: large('a') }, store);
    const expected = await snapshotOf({ a: large('a'), b: large('b') }, store);
    expect(merged).toEqual({ tree: expected.tree, conflicts: [] });
  });
});
