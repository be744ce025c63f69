import type { Codec } from './codec.ts';

/** Files of at most this many bytes are one blob. */
export const wholeFileBytes: number = 1024 * 1024;

/** Sizes of the pieces of larger files, in bytes. All are part of the format. */
const minimum = 16 * 1024;
const average = 64 * 1024;
const maximum = 256 * 1024;
/** Before the average a boundary needs 18 bits to be zero, after it 14: pieces come near the average (normalized chunking). */
const strictMask = 0xffff_c000 | 0;
const looseMask = 0xfffc_0000 | 0;
/** The rolling value forgets a byte after 32 others. */
const window = 32;

/** Cuts a stream of bytes where its contents say so, so that an insertion moves the boundaries near it only. */
export interface Chunker {
  /** Length of the first piece of `bytes`, or 0 when more bytes are needed to tell. `last`: no more will come. */
  readonly cut: (bytes: Uint8Array, last: boolean) => number;
}

/** A chunker whose table comes from the store's codec. It keeps no state between pieces. */
export function chunker(codec: Pick<Codec, 'gearSeed'>): Chunker {
  const gear = new Int32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    gear[byte] = Buffer.from(codec.gearSeed(byte)).readInt32BE(0);
  }
  return { cut: (bytes, last) => cut(gear, bytes, last) };
}

function cut(gear: Int32Array, bytes: Uint8Array, last: boolean): number {
  const end = Math.min(bytes.length, maximum);
  if (bytes.length < maximum && !last) return 0;
  if (end <= minimum) return end;
  const middle = Math.min(average, end);
  let value = 0;
  let index = minimum - window;
  for (; index < minimum; index += 1) value = ((value << 1) + at(gear, at(bytes, index))) | 0;
  for (; index < middle; index += 1) {
    value = ((value << 1) + at(gear, at(bytes, index))) | 0;
    if ((value & strictMask) === 0) return index + 1;
  }
  for (; index < end; index += 1) {
    value = ((value << 1) + at(gear, at(bytes, index))) | 0;
    if ((value & looseMask) === 0) return index + 1;
  }
  return end;
}

/** Never out of bounds here; the engine inlines it. */
function at(array: Uint8Array | Int32Array, index: number): number {
  return array[index] ?? 0;
}
