import { randomBytes } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameCompressor, freePieces } from '../../src/snapshot/format/frame-compressor.ts';
import { StoredNode } from '../../src/snapshot/format/stored-node.ts';
import { encodeTreeNode, type TreeEntryBody } from '../../src/snapshot/format/tree-node.ts';

const name = fc.constantFrom('a', 'a.b', 'A', 'b', '\xff', ' ', '-rf', 'x'.repeat(255));
const id = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const body: fc.Arbitrary<TreeEntryBody> = fc.oneof(
  fc.record({
    type: fc.constant('file'),
    mode: fc.nat(0o7777),
    size: fc.integer({ min: 1, max: 2 ** 40 }),
    contents: fc.record({ kind: fc.constantFrom('blob', 'list'), id }),
  }),
  fc.record({ type: fc.constant('directory'), mode: fc.nat(0o7777), id }),
  fc.record({ type: fc.constant('symlink'), target: fc.constantFrom('a', '../\xfe') }),
  fc.record({ type: fc.constant('hardlink'), first: fc.constantFrom('a', 'd/e') }),
);

const encode = (entries: ReadonlyMap<string, TreeEntryBody>): Buffer =>
  encodeTreeNode(
    [...entries]
      .map(([of, entry]) => ({ name: of, ...entry }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );

test('a directory that is changed in its stored bytes is the one that is encoded anew', () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, body),
      fc.dictionary(name, fc.option(body)),
      (before, changes) => {
        const stored = new StoredNode(encode(new Map(Object.entries(before))), 'tree');
        const after = new Map(Object.entries(before));
        const sorted = Object.keys(changes).toSorted();
        for (const of of sorted) {
          expect(stored.get(of)).toEqual(before[of]);
          const change = changes[of];
          if (change) after.set(of, change);
          else after.delete(of);
        }
        const told = sorted.map((of) => ({ name: of, ...(changes[of] && { body: changes[of] }) }));
        expect(stored.with(told).equals(encode(after))).toBe(true);
      },
    ),
  );
});

test('each frame of one compressor stands alone, whatever its size, also once those before it are freed', async () => {
  const compressor = new FrameCompressor(64 * 1024);
  const sizes = [1, 64 * 1024, 10, 300_000, 64 * 1024, 2_000_000, 50_000, 64 * 1024];
  for (const size of sizes) {
    const bytes = Buffer.concat([randomBytes(Math.ceil(size / 2)), Buffer.alloc(size >> 1, 'x')]);
    const pieces = await compressor.compress(bytes);
    expect(zstdDecompressSync(Buffer.concat(pieces)).equals(bytes)).toBe(true);
    freePieces(pieces);
  }
  compressor.close();
});
