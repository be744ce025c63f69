import type { Codec } from './codec.ts';
import { type GearScanner, gearScanner } from './gear-scanner.ts';

/** Files of at most this many bytes are one blob. */
export const wholeFileBytes: number = 1024 * 1024;

/** Sizes of the pieces of larger files, in bytes. All are part of the format. */
const minimum = 16 * 1024;
const average = 64 * 1024;
/** The largest piece: what zeros are cut into. */
export const largestPieceBytes: number = 256 * 1024;
/** Before the average a boundary needs 18 bits to be zero, after it 14: pieces come near the average (normalized chunking). */
const strictMask = 0xffff_c000 | 0;
const looseMask = 0xfffc_0000 | 0;

/** Cuts a stream of bytes where its contents say so, so that an insertion moves the boundaries near it only. */
export interface Chunker {
  /** Room for bytes that are to be cut: 1 MiB. Those elsewhere are copied there first. */
  readonly room: Buffer;
  /** Length of the first piece of `bytes`, or 0 when more bytes are needed to tell. `last`: no more will come. */
  readonly cut: (bytes: Uint8Array, last: boolean) => number;
}

/** A chunker whose table comes from the store's codec. It keeps no state between pieces. */
export function chunker(codec: Pick<Codec, 'gearSeed'>): Chunker {
  const gear = new Int32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    gear[byte] = Buffer.from(codec.gearSeed(byte)).readInt32BE(0);
  }
  const scanner = gearScanner(gear);
  return { room: scanner.room, cut: (bytes, last) => cut(scanner, bytes, last) };
}

function cut({ room, find }: GearScanner, bytes: Uint8Array, last: boolean): number {
  const end = Math.min(bytes.length, largestPieceBytes);
  if (bytes.length < largestPieceBytes && !last) return 0;
  if (end <= minimum) return end;
  const inside = bytes.buffer === room.buffer;
  if (!inside) room.set(bytes.subarray(0, end));
  const start = inside ? bytes.byteOffset - room.byteOffset : 0;
  const middle = start + Math.min(average, end);
  const strict = find(start + minimum, middle, strictMask);
  if (strict !== 0) return strict - start;
  const loose = middle < start + end ? find(middle, start + end, looseMask) : 0;
  return loose === 0 ? end : loose - start;
}
