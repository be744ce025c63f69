import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { encryptedStore, memoryStore } from '../../src/snapshot.ts';
import { ObjectReader } from '../../src/snapshot/repository/object-reader.ts';
import { ObjectWriter } from '../../src/snapshot/repository/object-writer.ts';
import { openRepository } from '../../src/snapshot/repository/open-repository.ts';
import { writeIndexOf } from '../../src/snapshot/repository/write-index.ts';

const call = { signal: new AbortController().signal };

test.each([
  ['plain', memoryStore()],
  ['encrypted', encryptedStore(memoryStore(), { key: new Uint8Array(32).fill(1) })],
])('objects come back whole however many are read at once and ahead: %s', async (_, store) => {
  const repository = await openRepository(store, call, { create: true });
  const writer = new ObjectWriter(repository, undefined, call);
  // More than stays in memory, over several packs.
  const objects = new Map<string, Buffer>();
  for (let number = 0; number < 40; number += 1) {
    const bytes = randomBytes(700_000);
    objects.set(await writer.put(bytes), bytes);
  }
  const written = await writer.finish();
  expect(written.packs.length).toBeGreaterThan(2);
  const index = { objects: written, source: { kind: 'none' } as const, facts: new Map() };
  const { chain } = await writeIndexOf(
    repository,
    undefined,
    { ...index, removed: new Set() },
    call,
  );
  const reader = new ObjectReader(repository, chain, call);
  const ids = [...objects.keys()];
  const same = (id: string, bytes: Buffer): boolean => objects.get(id)?.equals(bytes) === true;
  const kept = await Promise.all(ids.map((id) => reader.read(id)));
  for (const round of [ids, ids.toReversed()]) {
    for (const id of ids) reader.expect(id);
    const found = await Promise.all(round.map((id) => reader.use(id, (bytes) => same(id, bytes))));
    expect(found.every(Boolean)).toBe(true);
    const now = round.map((id) => {
      const seen: boolean[] = [];
      return reader.useNow(id, (bytes) => seen.push(same(id, bytes))) ? seen[0] : undefined;
    });
    // What is in memory still is right, and not everything is.
    expect(now).toContain(true);
    expect(now).toContain(undefined);
    expect(now).not.toContain(false);
  }
  expect(ids.every((id, at) => same(id, kept[at] ?? Buffer.alloc(0)))).toBe(true);
});
