import { encodeTarHeader, tarBlock, tarChecksum, writeTarNumber } from './tar-header.ts';
import type { TarHeader } from './tar-types.ts';

/** A part of a file that is there; what is between two of them reads as zeros and takes up no disk. */
export interface DataRegion {
  readonly offset: number;
  readonly length: number;
}

// GNU tar's `struct oldgnu_header` and `struct sparse_header` (tar.h).
const headerRegions = { at: 386, count: 4, continues: 482, realSize: 483 } as const;
const moreRegions = { at: 0, count: 21, continues: 504 } as const;
/** Bytes of one region: where it is and how long. */
const regionBytes = 24;

/**
 * The blocks that announce a file with holes, in GNU tar's own form (type S), which GNU tar alone is sure to read: what follows
 * are the regions' bytes and no others. Each begins at a multiple of 512 bytes, and all but the file's end end at one.
 */
export function encodeSparseHeader(header: TarHeader, regions: readonly DataRegion[]): Uint8Array {
  const stored = regions.reduce((sum, { length }) => sum + length, 0);
  const blocks = Buffer.from(encodeTarHeader({ ...header, size: stored }));
  const first = blocks.subarray(blocks.length - tarBlock);
  first.write('S', 156);
  writeTarNumber(first, header.size, headerRegions.realSize);
  const last = regions.at(-1);
  const reached = last === undefined ? 0 : last.offset + last.length;
  // A file that ends in a hole: an empty region says where.
  const all = reached === header.size ? regions : [...regions, { offset: header.size, length: 0 }];
  let next = writeRegions(first, headerRegions, all, 0);
  const more: Buffer[] = [];
  while (next < all.length) {
    const block = Buffer.alloc(tarBlock);
    next = writeRegions(block, moreRegions, all, next);
    more.push(block);
  }
  first.write(`${tarChecksum(first).toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([blocks, ...more]);
}

/** Writes as many regions as a block takes; returns the number of the first that is left. */
function writeRegions(
  block: Buffer,
  place: { readonly at: number; readonly count: number; readonly continues: number },
  regions: readonly DataRegion[],
  from: number,
): number {
  const taken = regions.slice(from, from + place.count);
  for (const [index, { offset, length }] of taken.entries()) {
    const at = place.at + index * regionBytes;
    writeTarNumber(block, offset, at);
    writeTarNumber(block, length, at + regionBytes / 2);
  }
  const next = from + taken.length;
  block[place.continues] = next < regions.length ? 1 : 0;
  return next;
}
