import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { directoryStore } from '../../src/node.ts';
import { encryptedStore, memoryStore } from '../../src/snapshot.ts';
import { storeChecks, type StoreSubject } from '../../src/testing.ts';

vi.setConfig({ testTimeout: 240_000 });

const folders = new WeakMap<object, string>();
const made: string[] = [];
afterAll(() => made.forEach((folder) => rmSync(folder, { recursive: true })));

function directory(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-store-'));
  made.push(folder);
  return folder;
}

const subjects: Readonly<Record<string, StoreSubject>> = {
  'the memory store': { open: async () => memoryStore() },
  'an encrypted store': {
    open: async () => encryptedStore(memoryStore(), { key: randomBytes(32) }),
  },
  'the directory store': {
    async open() {
      const folder = directory();
      const store = directoryStore(path.join(folder, 'a', 'b'));
      folders.set(store, path.join(folder, 'a', 'b'));
      return store;
    },
    reopen: async (store) => directoryStore(folders.get(store) ?? ''),
  },
};

describe.each(Object.entries(subjects))('%s', (_, subject) => {
  test.each(storeChecks)('$name', async (check) => {
    await expect(check.run(subject)).resolves.toBeUndefined();
  });
});

test('the directory store leaves nothing unfinished, and is for its user alone', async () => {
  const folder = directory();
  const store = directoryStore(path.join(folder, 'store'));
  await store.put('a/b', new Blob(['x']).stream());
  await expect(
    store.put('a/c', new ReadableStream({ pull: (c) => c.error(new Error('no')) })),
  ).rejects.toThrow('no');
  expect(readdirSync(path.join(folder, 'store', '.unfinished'))).toEqual([]);
  expect(readdirSync(path.join(folder, 'store')).toSorted()).toEqual(['.unfinished', 'a']);
});

test('the key of an encrypted store is not shown, and is copied', () => {
  const key = randomBytes(32);
  const store = encryptedStore(memoryStore(), { key });
  const before = key.toString('hex');
  key.fill(0);
  expect(Buffer.from(store.encryption?.key ?? []).toString('hex')).toBe(before);
  expect(JSON.stringify({ ...store, store })).not.toContain('key');
  expect(() => encryptedStore(memoryStore(), { key: new Uint8Array(16) })).toThrowError(
    expect.objectContaining({ code: 'invalid-argument' }),
  );
});
