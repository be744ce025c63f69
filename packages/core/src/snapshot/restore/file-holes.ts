import type { DataRegion } from '../../manifest/sparse-tar-header.ts';
import type { ChunkReference } from '../format/chunk-list.ts';
import { largestPieceBytes } from '../format/chunker.ts';
import type { Codec } from '../format/codec.ts';
import type { ObjectId } from '../format/tree-node.ts';

/** Holes begin and end where file systems can leave blocks out. */
const blockBytes = 4096;

/** A part of a file as it is sent: a piece of its contents, or zeros on the way to or from a hole. */
export type FilePart = ChunkReference | { readonly id: undefined; readonly size: number };

/** A large file with its holes. */
export interface HoledFile {
  readonly regions: readonly DataRegion[];
  /** What the regions hold, in order. */
  readonly parts: readonly FilePart[];
}

/** Pieces of zeros, from one up to but not including another. */
interface ZeroRun {
  readonly first: number;
  end: number;
  bytes: number;
}

/**
 * Finds holes in lists of pieces by the ids of zeros: nothing need be read. A run of zeros is cut into pieces of the largest
 * size, so that of every hole of 512 KiB or more all is found but what shares a piece with data.
 */
export class HoleFinder {
  /** Whether a file's holes had to be written as zeros. */
  filled = false;
  readonly #codec: Pick<Codec, 'identify'>;
  readonly #canMake: () => Promise<boolean>;
  readonly #zeros = Buffer.alloc(largestPieceBytes);
  #whole: ObjectId | undefined;
  #makes: Promise<boolean> | undefined;

  /** `canMake`: whether what writes the files can leave holes in them. Asked once, for the first that has some. */
  constructor(codec: Pick<Codec, 'identify'>, canMake: () => Promise<boolean>) {
    this.#codec = codec;
    this.#canMake = canMake;
  }

  /** `undefined` for a file that is written whole. */
  async find(pieces: readonly ChunkReference[]): Promise<HoledFile | undefined> {
    const runs = this.#runs(pieces);
    if (runs.length === 0) return undefined;
    if (await (this.#makes ??= this.#canMake())) return withHoles(pieces, runs);
    this.filled = true;
    return undefined;
  }

  /** The runs of pieces that are zeros, from one to another. */
  #runs(pieces: readonly ChunkReference[]): readonly ZeroRun[] {
    const runs: ZeroRun[] = [];
    for (let at = 0; at < pieces.length; at += 1) {
      if (!this.#isWholeZero(pieces[at])) continue;
      const run = { first: at, end: at, bytes: 0 };
      for (let piece = pieces[at]; piece && this.#isWholeZero(piece); piece = pieces[run.end]) {
        run.bytes += piece.size;
        run.end += 1;
      }
      const last = pieces[run.end];
      // Only a file's last piece may be shorter and all zeros.
      if (last && run.end === pieces.length - 1 && this.#isZero(last)) {
        run.bytes += last.size;
        run.end += 1;
      }
      runs.push(run);
      at = run.end;
    }
    return runs;
  }

  #isWholeZero(piece: ChunkReference | undefined): boolean {
    if (piece?.size !== largestPieceBytes) return false;
    this.#whole ??= this.#codec.identify(this.#zeros);
    return piece.id === this.#whole;
  }

  #isZero({ id, size }: ChunkReference): boolean {
    return size <= largestPieceBytes && this.#codec.identify(this.#zeros.subarray(0, size)) === id;
  }
}

function withHoles(pieces: readonly ChunkReference[], runs: readonly ZeroRun[]): HoledFile {
  const regions: DataRegion[] = [];
  const parts: FilePart[] = [];
  let [next, at, from] = [0, 0, 0];
  const copyUntil = (piece: number): void => {
    for (const one of pieces.slice(next, piece)) {
      parts.push(one);
      at += one.size;
    }
    next = piece;
  };
  for (const { first, end, bytes } of runs) {
    copyUntil(first);
    const [begin, over] = [at, at + bytes];
    const hole = Math.ceil(begin / blockBytes) * blockBytes;
    // One at the end of the file goes up to it.
    const holeEnd = end === pieces.length ? over : Math.floor(over / blockBytes) * blockBytes;
    parts.push({ id: undefined, size: hole - begin });
    if (hole > from) regions.push({ offset: from, length: hole - from });
    parts.push({ id: undefined, size: over - holeEnd });
    [next, at, from] = [end, over, holeEnd];
  }
  copyUntil(pieces.length);
  if (at > from) regions.push({ offset: from, length: at - from });
  return { regions, parts };
}
