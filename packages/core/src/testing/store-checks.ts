import assert from 'node:assert/strict';
import type { SnapshotStore } from '../contract/snapshot-store.ts';
import { SandboxError, type SandboxErrorCode } from '../errors/sandbox-error.ts';
import { readAll } from '../process/byte-source.ts';

/** What is proven: how to get at a store of this kind. */
export interface StoreSubject {
  /** A store with nothing in it. Whoever runs the checks disposes of what is behind it. */
  open(): Promise<SnapshotStore>;
  /** The same store as another process would open it. Absent for one that lives in this process alone. */
  reopen?(store: SnapshotStore): Promise<SnapshotStore>;
}

/** One thing that every store does. */
export interface StoreCheck {
  readonly name: string;
  /** Rejects, saying what differs, when the store does not do it. */
  run(subject: StoreSubject): Promise<void>;
}

const check = (name: string, run: StoreCheck['run']): StoreCheck => ({ name, run });
const bytes = (text: string): ReadableStream<Uint8Array> => new Blob([text]).stream();
const large = 9 * 1024 * 1024 + 17;

async function text(store: SnapshotStore, key: string): Promise<string> {
  return Buffer.from(await readAll(await store.get(key))).toString();
}

async function keys(store: SnapshotStore, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key).toSorted();
}

async function rejects(work: Promise<unknown>, code: SandboxErrorCode): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(SandboxError.is(error), `rejected with ${String(error)}, which is no SandboxError`);
    assert.equal(error.code, code);
    return true;
  });
}

async function* largeContents(): AsyncGenerator<Uint8Array> {
  for (let left = large; left > 0; left -= 65_536) {
    yield new Uint8Array(Math.min(left, 65_536)).fill(left & 0xff);
  }
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half');
  throw new Error('the source failed');
}

/**
 * What every `SnapshotStore` does, whatever runs the checks: `test.each(storeChecks)('$name', ({ run }) => run(subject))`.
 * Each opens a store of its own.
 */
export const storeChecks: readonly StoreCheck[] = [
  check('what is put is got, byte for byte', async (subject) => {
    const store = await subject.open();
    assert.equal(await store.put('packs/a', bytes('some bytes')), true);
    assert.equal(await text(store, 'packs/a'), 'some bytes');
    await store.put('empty', bytes(''), { size: 0 });
    assert.equal(await text(store, 'empty'), '');
  }),
  check('a stream of many megabytes arrives whole, with and without its size', async (subject) => {
    const store = await subject.open();
    for (const options of [{ size: large }, {}]) {
      await store.put('large', ReadableStream.from(largeContents()), options);
      const got = await readAll(await store.get('large'));
      const expected = await readAll(largeContents());
      assert.equal(Buffer.compare(got, expected), 0);
    }
    assert.equal((await store.head('large'))?.size, large);
  }),
  check(
    'what was put stays as it was when the memory that it came from is used again',
    async (subject) => {
      const store = await subject.open();
      const chunks = [Buffer.from('some '), Buffer.from('bytes')];
      await store.put('key', ReadableStream.from<Uint8Array>(chunks));
      for (const chunk of chunks) chunk.fill(0);
      assert.equal(await text(store, 'key'), 'some bytes');
    },
  ),
  check('a second put replaces the object', async (subject) => {
    const store = await subject.open();
    await store.put('key', bytes('one'));
    assert.equal(await store.put('key', bytes('two, longer')), true);
    assert.equal(await text(store, 'key'), 'two, longer');
  }),
  check('ifAbsent leaves what is there, and says so', async (subject) => {
    const store = await subject.open();
    assert.equal(await store.put('key', bytes('first'), { ifAbsent: true }), true);
    assert.equal(await store.put('key', bytes('second'), { ifAbsent: true }), false);
    assert.equal(await text(store, 'key'), 'first');
  }),
  check('of many writers with ifAbsent at once one wins, if the store says so', async (subject) => {
    const store = await subject.open();
    if (!store.conditional) return;
    const put = (_: unknown, index: number): Promise<boolean> =>
      store.put('key', bytes(`writer ${index}`), { ifAbsent: true });
    const won = await Promise.all(Array.from({ length: 16 }, put));
    assert.equal(won.filter(Boolean).length, 1);
    assert.equal(await text(store, 'key'), `writer ${won.indexOf(true)}`);
  }),
  check('a range is exactly those bytes', async (subject) => {
    const store = await subject.open();
    await store.put('key', bytes('0123456789'));
    const part = async (offset: number, length: number): Promise<string> =>
      Buffer.from(await readAll(await store.get('key', { range: { offset, length } }))).toString();
    assert.equal(await part(0, 3), '012');
    assert.equal(await part(3, 4), '3456');
    assert.equal(await part(9, 1), '9');
    assert.equal(await part(4, 0), '');
    for (const range of [
      { offset: 8, length: 3 },
      { offset: 11, length: 0 },
      { offset: -1, length: 1 },
    ]) {
      await rejects(store.get('key', { range }), 'out-of-range');
    }
  }),
  check('what is not there is not-found, and no head', async (subject) => {
    const store = await subject.open();
    await rejects(store.get('packs/none'), 'not-found');
    assert.equal(await store.head('packs/none'), undefined);
    await store.put('a/b', bytes(''));
    assert.equal(await store.head('a'), undefined);
    await rejects(store.get('a'), 'not-found');
    await rejects(store.get('a/b/c'), 'not-found');
  }),
  check('head tells size and time', async (subject) => {
    const store = await subject.open();
    await store.put('key', bytes('12345'));
    const found = await store.head('key');
    assert.equal(found?.key, 'key');
    assert.equal(found.size, 5);
    // The store's clock may be another machine's.
    assert.ok(Math.abs(found.modifiedAt - Date.now()) < 24 * 60 * 60 * 1000);
  }),
  check('delete removes, and is idempotent', async (subject) => {
    const store = await subject.open();
    await store.put('key', bytes('x'));
    await store.delete('key');
    await store.delete('key');
    assert.equal(await store.head('key'), undefined);
    assert.equal(await store.put('key', bytes('y'), { ifAbsent: true }), true);
  }),
  check('list gives each object under a prefix once, on all pages', async (subject) => {
    const store = await subject.open();
    const names = Array.from({ length: 1_100 }, (_, index) => `packs/${index}`);
    for (let at = 0; at < names.length; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => store.put(name, bytes('x'))));
    }
    await store.put('packsother', bytes('x'));
    await store.put('indexes/a', bytes('123'));
    assert.deepEqual(await keys(store, 'packs/'), names.toSorted());
    assert.deepEqual(
      await keys(store, 'packs/109'),
      names.filter((n) => n.startsWith('packs/109')),
    );
    assert.deepEqual(await keys(store, 'none/'), []);
    const [listed] = await Array.fromAsync(store.list('indexes/'));
    assert.deepEqual([listed?.key, listed?.size], ['indexes/a', 3]);
    assert.equal((await keys(store, '')).length, names.length + 2);
  }),
  check('a source that fails leaves what was there', async (subject) => {
    const store = await subject.open();
    await assert.rejects(store.put('new', ReadableStream.from(broken())));
    assert.equal(await store.head('new'), undefined);
    await store.put('old', bytes('as it was'));
    await assert.rejects(store.put('old', ReadableStream.from(broken())));
    assert.equal(await text(store, 'old'), 'as it was');
    assert.deepEqual(await keys(store, ''), ['old']);
  }),
  check('a stream of another size than announced is refused', async (subject) => {
    const store = await subject.open();
    await rejects(store.put('key', bytes('123'), { size: 4 }), 'invalid-argument');
    await rejects(store.put('key', bytes('12345'), { size: 4 }), 'invalid-argument');
    assert.equal(await store.head('key'), undefined);
  }),
  check('what could be a path to elsewhere is no key', async (subject) => {
    const store = await subject.open();
    const bad = ['', '/a', 'a/', 'a//b', '../a', 'a/../b', './a', '.a', 'A', 'a b', 'a\\b', 'ä'];
    for (const key of [...bad, 'a'.repeat(201)]) {
      await rejects(store.put(key, bytes('x')), 'invalid-argument');
      await rejects(store.get(key), 'invalid-argument');
      await rejects(store.head(key), 'invalid-argument');
      await rejects(store.delete(key), 'invalid-argument');
    }
  }),
  check('an aborted signal stops every operation', async (subject) => {
    const store = await subject.open();
    await store.put('key', bytes('x'));
    const options = { signal: AbortSignal.abort() };
    await rejects(store.put('other', bytes('x'), options), 'cancelled');
    await rejects(store.get('key', options), 'cancelled');
    await rejects(store.head('key', options), 'cancelled');
    await rejects(store.delete('key', options), 'cancelled');
    await rejects(Array.fromAsync(store.list('', options)), 'cancelled');
    assert.deepEqual(await keys(store, ''), ['key']);
  }),
  check('a reader that stops early harms nobody', async (subject) => {
    const store = await subject.open();
    await store.put('large', ReadableStream.from(largeContents()));
    const reader = (await store.get('large')).getReader();
    await reader.read();
    await reader.cancel();
    assert.equal((await readAll(await store.get('large'))).length, large);
  }),
  check('another process sees what was put', async (subject) => {
    if (!subject.reopen) return;
    const store = await subject.open();
    await store.put('packs/a', bytes('kept'));
    const again = await subject.reopen(store);
    assert.equal(await text(again, 'packs/a'), 'kept');
    assert.equal(await again.put('packs/a', bytes('x'), { ifAbsent: true }), false);
    assert.deepEqual(await keys(again, 'packs/'), ['packs/a']);
  }),
];
