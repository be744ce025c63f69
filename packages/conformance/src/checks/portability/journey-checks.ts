import { encryptedStore, memoryStore } from '@gantry/core/snapshot';
import { must, type Check } from '../../check.ts';
import { contentsOf, rehydrated } from '../rehydration/workspace.ts';
import { broughtBack, moved } from './journey.ts';

const extraMs = 20_000;

/** What of a workspace is as it was after it has been at another provider, and back. */
export const journeyChecks: readonly Check[] = [
  must(
    'portability/equal-trees',
    'portable-exact',
    'a workspace is the same at another provider, and back, by its digest and by a look at it',
    async (t) => {
      const journey = await moved(t, {}, { verify: true });
      const before = await contentsOf(t, journey.here);
      t.equal(await contentsOf(t, journey.there), before, 'the workspace at the second provider');
      t.equal(await contentsOf(t, await broughtBack(t, journey)), before, 'the workspace, back');
    },
    { extraMs },
  ),
  must(
    'portability/encrypted',
    'portable-exact',
    'it is so through an encrypted store, which shows nothing of it',
    async (t) => {
      const plain = memoryStore();
      const store = encryptedStore(plain, { key: Buffer.alloc(32, 7) });
      const word = t.word('patient');
      const journey = await moved(t, { script: `printf ${word} > record`, store });
      for await (const { key } of plain.list('')) {
        const bytes = await new Response(await plain.get(key)).bytes();
        t.ok(!Buffer.from(bytes).includes(word), `${key} in the store shows the contents`);
      }
      const back = await broughtBack(t, journey);
      t.equal(await back.files.readText('record'), word, 'the file, back');
    },
    { extraMs },
  ),
  must(
    'portability/changes',
    'portable-changes',
    'what was changed, replaced and removed elsewhere comes home, and nothing else travels twice',
    async (t) => {
      const script = `head -c 3000000 /dev/urandom > large; mkdir -p a/b c; echo 1 > a/b/file; echo 2 > c/file
ln -s a/b link; echo 3 > gone; echo 4 > replaced`;
      const { store, snapshot, there } = await moved(t, { script });
      const line = `rm gone replaced link; mkdir replaced; echo new > replaced/file; rm -r c; echo file > c
echo more >> a/b/file; ln -s c link; mv a moved; chmod 600 moved/b/file`;
      t.succeeded(await there.exec(line), 'the changes at the second provider');
      const taken = await there.snapshot(store, { parent: snapshot });
      t.equal(taken.parent, snapshot.id, 'parent of what was taken elsewhere');
      const { bytesStored } = taken.work;
      t.ok(bytesStored < 100_000, `${bytesStored} bytes were stored again of 3 MB that are there`);
      const back = await rehydrated(t, taken, store, { verify: true });
      t.equal(await contentsOf(t, back), await contentsOf(t, there), 'the workspace, back');
      t.equal(await back.files.readText('moved/b/file'), '1\nmore\n', 'a file that was changed');
      t.equal(await back.files.readText('link'), 'file\n', 'a file in place of a directory');
      const all = await back.snapshot(memoryStore(), { evidence: 'bytes' });
      t.equal(all.tree, taken.tree, 'digest of what all bytes say');
    },
    { extraMs },
  ),
  must(
    'portability/foreign-native',
    'portable-native',
    "another provider's native snapshot neither helps nor hinders",
    async (t) => {
      const id = t.word('native');
      const spec = 'gantry-native-snapshot/1';
      const native = { spec, provider: 'elsewhere', id, scope: 'workspace' } as const;
      const { here, snapshot, there } = await moved(t, {}, { native });
      const { by, tree } = there.origin;
      t.equal([by, tree], ['snapshot', snapshot.tree], 'origin');
      t.equal(await contentsOf(t, there), await contentsOf(t, here), 'the workspace');
    },
    { extraMs },
  ),
];
