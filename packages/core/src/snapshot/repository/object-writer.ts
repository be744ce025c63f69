import type { Call } from '../../contract/call.ts';
import { encodeChunkList, type ChunkReference } from '../format/chunk-list.ts';
import { chunker, type Chunker, largestPieceBytes, wholeFileBytes } from '../format/chunker.ts';
import type { PackedObject } from '../format/pack.ts';
import type { IndexFrame } from '../format/snapshot-index.ts';
import type { FileContents, ObjectId } from '../format/tree-node.ts';
import { freeBytes } from '../free-bytes.ts';
import type { ObjectPlaces } from './object-reader.ts';
import { readMoves } from './moves.ts';
import { PackWriter } from './pack-writer.ts';
import { type Repository, storeKeys } from './repository.ts';

/** What an index says of the objects that were written. */
export interface WrittenObjects {
  readonly packs: readonly ObjectId[];
  readonly frames: readonly IndexFrame[];
  readonly objects: readonly PackedObject[];
}

/** How much of what is at hand is cut at a time. */
const pieceBytes = 1024 * 1024;

/** Writes objects that the store does not have yet, and remembers where they are. */
export class ObjectWriter {
  readonly #repository: Repository;
  readonly #known: ObjectPlaces | undefined;
  readonly #call: Call;
  readonly #packs: PackWriter;
  #chunker: Chunker | undefined;
  readonly #stores: boolean;
  readonly #written = new Set<ObjectId>();
  readonly #present = new Map<ObjectId, Promise<boolean>>();
  readonly #result: { packs: ObjectId[]; frames: IndexFrame[]; objects: PackedObject[] } = {
    packs: [],
    frames: [],
    objects: [],
  };

  /** `known`: objects that earlier snapshots have put somewhere. Without `store` it only tells ids. */
  constructor(
    repository: Repository,
    known: ObjectPlaces | undefined,
    call: Call,
    options: { readonly store: boolean } = { store: true },
  ) {
    this.#repository = repository;
    this.#stores = options.store;
    this.#known = known;
    this.#call = call;
    this.#packs = new PackWriter(repository, call, ({ id, frames, objects }) => {
      const { length: pack } = this.#result.packs;
      const { length: first } = this.#result.frames;
      this.#result.packs.push(id);
      for (const frame of frames) this.#result.frames.push({ ...frame, pack });
      for (const object of objects) {
        this.#result.objects.push({ ...object, frame: object.frame + first });
      }
    });
  }

  /** Bytes that were added to the store, once finished. */
  get stored(): { readonly contents: number; readonly metadata: number } {
    return { contents: this.#packs.contentBytes, metadata: this.#packs.metadataBytes };
  }

  /** Puts one object, unless it is there. */
  async put(bytes: Uint8Array): Promise<ObjectId> {
    const id = this.#repository.codec.identify(bytes);
    if (!this.#stores || this.#written.has(id)) return id;
    const location = this.#known?.locate(id);
    if (location !== undefined && (await this.#isPresent(id, location.pack))) return id;
    this.#written.add(id);
    await this.#packs.add(id, bytes);
    return id;
  }

  /** Puts the contents of a file, in pieces when it is large. `onBytes` hears of what arrives. */
  async putFile(
    source: AsyncIterable<Uint8Array>,
    onBytes: (count: number) => void,
  ): Promise<{ readonly size: number; readonly contents: FileContents }> {
    const head: Buffer<ArrayBuffer>[] = [];
    let size = 0;
    let pieces: Pieces | undefined;
    for await (const chunk of source) {
      size += chunk.length;
      onBytes(chunk.length);
      if (pieces === undefined && size > wholeFileBytes) {
        this.#chunker ??= chunker(this.#repository.codec);
        pieces = new Pieces(this.#chunker, (bytes) => this.put(bytes));
        for (const part of head) {
          await pieces.add(part);
          freeBytes(part);
        }
      }
      // A copy: the chunk may be used again by whoever reads it.
      if (pieces === undefined) head.push(Buffer.from(chunk));
      else await pieces.add(chunk);
    }
    if (pieces !== undefined) {
      const list = encodeChunkList(await pieces.finish());
      return { size, contents: { kind: 'list', id: await this.put(list) } };
    }
    const [first] = head;
    return this.putWhole(first !== undefined && head.length === 1 ? first : Buffer.concat(head));
  }

  /** Puts the contents of a file that are at hand. */
  async putWhole(
    bytes: Uint8Array,
  ): Promise<{ readonly size: number; readonly contents: FileContents }> {
    const size = bytes.length;
    if (size === 0) return { size, contents: { kind: 'empty' } };
    if (size <= wholeFileBytes) {
      return { size, contents: { kind: 'blob', id: await this.put(bytes) } };
    }
    return this.putFile(pieceByPiece(bytes), () => undefined);
  }

  /** All contents are in: what follows describes them. */
  async endContents(): Promise<void> {
    await this.#packs.endContents();
  }

  /** Writes what is left, and tells where everything is. */
  async finish(): Promise<WrittenObjects> {
    await this.#packs.finish();
    this.#written.clear();
    return this.#result;
  }

  /** A pack that an index names may have been pruned since: nothing of this snapshot may rest on it then. */
  async #isPresent(object: ObjectId, pack: ObjectId): Promise<boolean> {
    const { store } = this.#repository;
    let present = this.#present.get(pack);
    if (present === undefined) {
      present = store
        .head(storeKeys.pack(pack), { signal: this.#call.signal })
        .then((found) => found !== undefined);
      this.#present.set(pack, present);
    }
    if (await present) return true;
    const moved = (await readMoves(this.#repository, pack, this.#call)).get(object);
    return moved !== undefined && (await this.#isPresent(object, moved.pack));
  }
}

async function* pieceByPiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Cuts a large file into pieces as it arrives, in the chunker's room: one file at a time. */
class Pieces {
  readonly #chunker: Chunker;
  readonly #put: (bytes: Uint8Array) => Promise<ObjectId>;
  readonly #buffer: Buffer;
  readonly #pieces: ChunkReference[] = [];
  /** What is cut of zeros, always the same: neither boundaries nor ids of a hole need be found again and again. */
  #zeros: ChunkReference | undefined;
  #start = 0;
  #end = 0;

  constructor(cutter: Chunker, put: (bytes: Uint8Array) => Promise<ObjectId>) {
    this.#chunker = cutter;
    this.#buffer = cutter.room;
    this.#put = put;
  }

  async add(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      if (this.#end === this.#buffer.length) {
        this.#buffer.copyWithin(0, this.#start, this.#end);
        this.#end -= this.#start;
        this.#start = 0;
      }
      const part = bytes.subarray(offset, offset + this.#buffer.length - this.#end);
      this.#buffer.set(part, this.#end);
      this.#end += part.length;
      offset += part.length;
      await this.#cut(false);
    }
  }

  async finish(): Promise<readonly ChunkReference[]> {
    await this.#cut(true);
    return this.#pieces;
  }

  async #cut(last: boolean): Promise<void> {
    for (;;) {
      const pending = this.#buffer.subarray(this.#start, this.#end);
      const zeros = startsWithZeros(pending);
      const size = (zeros && this.#zeros?.size) || this.#chunker.cut(pending, last);
      if (size === 0) return;
      const known = zeros ? this.#zeros : undefined;
      const piece = known ?? { size, id: await this.#put(pending.subarray(0, size)) };
      if (zeros) this.#zeros = piece;
      this.#pieces.push(piece);
      this.#start += size;
    }
  }
}

const zeros = Buffer.alloc(largestPieceBytes);

function startsWithZeros(bytes: Buffer): boolean {
  return (
    bytes.length >= zeros.length && bytes.compare(zeros, 0, zeros.length, 0, zeros.length) === 0
  );
}
