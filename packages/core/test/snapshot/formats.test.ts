import { createHash, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SandboxError } from '../../src/index.ts';
import { decodeChunkList, encodeChunkList } from '../../src/snapshot/format/chunk-list.ts';
import { chunker } from '../../src/snapshot/format/chunker.ts';
import { encryptedCodec, plainCodec } from '../../src/snapshot/format/codec.ts';
import { compressFrame, decompressFrame } from '../../src/snapshot/format/compress.ts';
import { decodePackList, encodePackList } from '../../src/snapshot/format/pack.ts';
import { openDocument, sealDocument } from '../../src/snapshot/format/sealed-document.ts';
import {
  decodeIndex,
  encodeIndex,
  type IndexDocument,
} from '../../src/snapshot/format/snapshot-index.ts';
import {
  decodeTreeNode,
  encodeTreeNode,
  type TreeEntry,
} from '../../src/snapshot/format/tree-node.ts';

const damaged: unknown = expect.objectContaining({ code: 'data-loss' });
const id = (byte: number): string => Buffer.alloc(32, byte).toString('hex');

/** The entries of the example in docs/snapshot-format.md. */
const example: readonly TreeEntry[] = [
  { name: 'a\xff', type: 'file', mode: 0o644, size: 5, contents: { kind: 'blob', id: id(1) } },
  { name: 'b', type: 'hardlink', first: 'a\xff' },
  { name: 'd', type: 'directory', mode: 0o755, id: id(2) },
  { name: 'e', type: 'file', mode: 0o600, size: 0, contents: { kind: 'empty' } },
  {
    name: 'large',
    type: 'file',
    mode: 0o444,
    size: 3_000_000,
    contents: { kind: 'list', id: id(3) },
  },
  { name: 's', type: 'symlink', target: '../x' },
];

function encodedAgain(bytes: Buffer): Buffer | 'data-loss' {
  try {
    return encodeTreeNode(decodeTreeNode(bytes, 'tree'));
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'data-loss') return 'data-loss';
    throw error;
  }
}

describe('a tree node', () => {
  test('has the one encoding that the format document shows', () => {
    const bytes = encodeTreeNode(example);
    expect(bytes.toString('hex')).toBe(
      [
        '47544e31',
        `0261ff66a4030501${id(1)}`,
        '0162680261ff',
        `016464ed03${id(2)}`,
        '01656680030000',
        `056c6172676566a402c08db70102${id(3)}`,
        '01736c042e2e2f78',
      ].join(''),
    );
    expect(decodeTreeNode(bytes, 'tree')).toEqual(example);
  });

  test.each<readonly [string, (bytes: Buffer) => Buffer]>([
    ['is cut off', (bytes) => bytes.subarray(0, -1)],
    ['starts otherwise', (bytes) => Buffer.concat([Buffer.from('X'), bytes.subarray(1)])],
    ['is of an unknown type', (bytes) => Buffer.concat([bytes, Buffer.from([1, 0x7a, 0x7a])])],
    ['is not sorted', (bytes) => Buffer.concat([bytes, Buffer.from([1, 0x61, 0x6c, 1, 0x78])])],
    ['has a name twice', (bytes) => Buffer.concat([bytes, Buffer.from([1, 0x73, 0x6c, 1, 0x78])])],
    ['has a name that climbs', () => Buffer.from('GTN1\u0002..l\u0001x')],
    ['has a name with a slash', () => Buffer.from('GTN1\u0003a/bl\u0001x')],
    ['has an empty name', () => Buffer.from('GTN1\u0000l\u0001x')],
    ['has a link to nothing', () => Buffer.from('GTN1\u0001al\u0000')],
    ['has a hard link that climbs', () => Buffer.from('GTN1\u0001ah\u0004../x')],
    [
      'has a number with needless bytes',
      () => Buffer.from([...Buffer.from('GTN1'), 0x81, 0x00, 0x61]),
    ],
    ['has contents that do not fit the size', () => Buffer.from('GTN1\u0001af\u0000\u0001\u0000')],
  ])('that %s is refused', (_, change) => {
    expect(() => decodeTreeNode(change(encodeTreeNode(example)), 'tree')).toThrowError(damaged);
  });

  test('any bytes are refused or are the encoding of what they say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
        const bytes = Buffer.concat([Buffer.from('GTN1'), tail]);
        expect(encodedAgain(bytes)).toSatisfy(
          (again: Buffer | 'data-loss') => again === 'data-loss' || again.equals(bytes),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

test('lists of pieces and of packs come back, and say when they cannot be', () => {
  const chunks = [
    { id: id(1), size: 70_000 },
    { id: id(2), size: 1 },
  ];
  expect(decodeChunkList(encodeChunkList(chunks), 70_001, 'list')).toEqual(chunks);
  expect(() => decodeChunkList(encodeChunkList(chunks), 70_000, 'list')).toThrowError(damaged);
  const list = {
    frames: [
      { offset: 4, stored: 10, raw: 20 },
      { offset: 14, stored: 5, raw: 9 },
    ],
    objects: [
      { id: id(1), frame: 0, at: 0, size: 20 },
      { id: id(2), frame: 1, at: 1, size: 8 },
    ],
  };
  expect(decodePackList(encodePackList(list), 4, 'pack')).toEqual(list);
  const outside = { ...list, objects: [{ id: id(1), frame: 1, at: 2, size: 8 }] };
  expect(() => decodePackList(encodePackList(outside), 4, 'pack')).toThrowError(damaged);
});

test('an index comes back', () => {
  const index: IndexDocument = {
    parent: id(9),
    depth: 3,
    source: { kind: 'mark', sandbox: 'local:x', mark: 'abc' },
    packs: [id(1)],
    frames: [{ pack: 0, offset: 4, stored: 7, raw: 30 }],
    objects: [{ id: id(2), frame: 0, at: 10, size: 20 }],
    facts: new Map([
      ['a', { modifiedNs: -5n, state: '' }],
      ['a/b', { modifiedNs: 1_700_000_000_123_456_789n, state: 'some \xff state' }],
      ['a/bc', { modifiedNs: 0n, state: '' }],
    ]),
    removed: ['x', 'x/y'],
  };
  expect(decodeIndex(encodeIndex(index), 'index')).toEqual(index);
  expect(() => decodeIndex(encodeIndex(index).subarray(0, -1), 'index')).toThrowError(damaged);
  const nowhere = { ...index, objects: [{ id: id(2), frame: 1, at: 0, size: 1 }] };
  expect(() => decodeIndex(encodeIndex(nowhere), 'index')).toThrowError(damaged);
});

describe('the chunker', () => {
  const pieces = (bytes: Uint8Array, codec = plainCodec): string[] => {
    const { cut } = chunker(codec);
    const found: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = cut(bytes.subarray(at), true);
      found.push(
        createHash('sha256')
          .update(bytes.subarray(at, at + size))
          .digest('hex'),
      );
      at += size;
    }
    return found;
  };
  /** Bytes that every implementation can make: SHA-256 of the numbers 0, 1, 2, … as four bytes, the highest first. */
  const stream = Buffer.concat(
    Array.from({ length: 65_536 }, (_, number) => {
      const counter = Buffer.alloc(4);
      counter.writeUInt32BE(number);
      return createHash('sha256').update(counter).digest();
    }),
  );

  test('cuts the stream of the format document where that says', () => {
    const { cut } = chunker(plainCodec);
    const sizes: number[] = [];
    for (let at = 0; at < stream.length;) {
      const size = cut(stream.subarray(at), true);
      sizes.push(size);
      at += size;
    }
    expect(sizes.slice(0, 4)).toEqual([72_242, 80_118, 75_887, 79_414]);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(16 * 1024);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
  });

  test('cuts as the format document says, whatever the bytes and wherever they are', () => {
    /** The words of the document. */
    const expected = (bytes: Uint8Array, codec: typeof plainCodec): number => {
      const gear = Array.from({ length: 256 }, (_, byte) =>
        Buffer.from(codec.gearSeed(byte)).readInt32BE(0),
      );
      let h = 0;
      for (let i = 16_384 - 32; i < bytes.length; i += 1) {
        h = ((h << 1) + (gear[bytes[i] ?? 0] ?? 0)) | 0;
        if (i < 16_384) continue;
        if (h >>> (i < 65_536 ? 14 : 18) === 0 || i + 1 === 262_144) return i + 1;
      }
      return bytes.length;
    };
    const keyed = encryptedCodec(new Uint8Array(32).fill(3));
    for (const codec of [plainCodec, keyed]) {
      const { cut, room } = chunker(codec);
      for (let round = 0; round < 300; round += 1) {
        // Some that end near each limit, and some of few different bytes, where boundaries are rare.
        const limit = [16_384, 65_536, 262_144][round % 3] ?? 0;
        const length = limit + (round % 41) - 20;
        const bytes = randomBytes(length);
        if (round % 5 === 0) bytes.fill(round, 100, length - 100);
        const wanted = expected(bytes, codec);
        expect(cut(bytes, true)).toBe(wanted);
        const start = (round * 7_919) % (room.length - length);
        room.fill(0xaa);
        room.set(bytes, start);
        expect(cut(room.subarray(start, start + length), true)).toBe(wanted);
      }
    }
  });

  test('an insertion moves few boundaries, and another key all', () => {
    const changed = Buffer.concat([
      stream.subarray(0, 900_000),
      randomBytes(77),
      stream.subarray(900_000),
    ]);
    const [before, after] = [new Set(pieces(stream)), pieces(changed)];
    expect(after.filter((piece) => !before.has(piece)).length).toBeLessThanOrEqual(4);
    const keyed = pieces(stream, encryptedCodec(new Uint8Array(32).fill(1)));
    expect(keyed.filter((piece) => before.has(piece)).length).toBeLessThanOrEqual(1);
  });

  test('waits for enough bytes to tell', () => {
    const { cut } = chunker(plainCodec);
    expect(cut(stream.subarray(0, 200_000), false)).toBe(0);
    expect(cut(stream.subarray(0, 1_000), true)).toBe(1_000);
    expect(cut(new Uint8Array(300_000), false)).toBe(256 * 1024);
  });
});

describe('sealing', () => {
  const codec = encryptedCodec(new Uint8Array(32).fill(7));

  test('documents open with their key alone, at their own place, unchanged', async () => {
    const body = randomBytes(5_000);
    for (const one of [plainCodec, codec]) {
      const sealed = await sealDocument(one, 'TEST', body);
      expect((await openDocument(one, 'TEST', sealed, 'it')).equals(body)).toBe(true);
      await expect(openDocument(one, 'ELSE', sealed, 'it')).rejects.toEqual(damaged);
      await expect(openDocument(one, 'TEST', sealed.subarray(0, 30), 'it')).rejects.toEqual(
        damaged,
      );
    }
    const sealed = await sealDocument(codec, 'TEST', body);
    const other = encryptedCodec(new Uint8Array(32).fill(8));
    await expect(openDocument(other, 'TEST', sealed, 'it')).rejects.toEqual(damaged);
    for (const at of [9, 50, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(openDocument(codec, 'TEST', changed, 'it')).rejects.toEqual(damaged);
    }
    const sealer = codec.sealer();
    const part = Buffer.concat(sealer.seal(5, [body.subarray(0, 3), body.subarray(3)]));
    expect(() => codec.opener(sealer.salt, 'it').open(6, part)).toThrowError(damaged);
  });

  test('ids are of the contents, and of the key where there is one', () => {
    const bytes = Buffer.from('contents');
    expect(plainCodec.identify(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(codec.identify(bytes)).not.toBe(plainCodec.identify(bytes));
    expect(codec.identify(bytes)).toBe(
      '5649e20338604abfb1f7fba9ca3be9b2cb86dda10031e380ecab9f5f72a05e97',
    );
  });

  test('a frame that claims another size is refused before it fills the memory', async () => {
    const bomb = await compressFrame(new Uint8Array(50_000_000));
    await expect(decompressFrame(bomb, 1_000, 'frame')).rejects.toEqual(damaged);
    await expect(decompressFrame(bomb, 50_000_001, 'frame')).rejects.toEqual(damaged);
    await expect(decompressFrame(randomBytes(100), 1_000, 'frame')).rejects.toEqual(damaged);
  });
});
