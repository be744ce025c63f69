import type { Call } from '../../contract/call.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Opener } from '../format/codec.ts';
import { CollectorWeight } from '../collector-weight.ts';
import { decompressFrame } from '../format/compress.ts';
import { packMagic } from '../format/pack.ts';
import type { ObjectId } from '../format/tree-node.ts';
import { freeBytes } from '../free-bytes.ts';
import type { ObjectLocation } from './index-chain.ts';
import { readMoves } from './moves.ts';
import { type Repository, storeKeys } from './repository.ts';
import { getBytes, getBytesInto } from './store-access.ts';

/** Plain bytes of frames that stay in memory. */
const keptBytes = 16 * 1024 * 1024;
/** A frame larger than this is refused: no object is. */
const largestFrame = 256 * 1024 * 1024;
/** Frames after which the collector looks at everything. */
const framesPerCollection = 256;
/** Room for a stored frame of the usual size, which zstd and encryption may make a little longer. */
const roomBytes = 1024 * 1024 + 64 * 1024;

interface KeptFrame {
  /** Plain bytes, as the index says. */
  readonly raw: number;
  readonly bytes: Promise<Buffer<ArrayBuffer>>;
}

/** Where objects are. */
export interface ObjectPlaces {
  locate(object: ObjectId): ObjectLocation | undefined;
}

/** Reads objects of a store and checks each against its id. Recently used frames stay in memory. */
export class ObjectReader {
  readonly #repository: Repository;
  readonly #places: ObjectPlaces;
  readonly #call: Call;
  readonly #frames = new Map<string, KeptFrame>();
  readonly #ready = new Map<string, Buffer>();
  readonly #openers = new Map<ObjectId, Promise<Opener>>();
  readonly #moves = new Map<ObjectId, Promise<ReadonlyMap<ObjectId, ObjectLocation>>>();
  readonly #present = new Map<ObjectId, Promise<boolean>>();
  /** Places in which stored frames have been, for the next ones. */
  readonly #rooms: ArrayBuffer[] = [];
  readonly #weight = new CollectorWeight(framesPerCollection);
  #kept = 0;

  constructor(repository: Repository, places: ObjectPlaces, call: Call) {
    this.#repository = repository;
    this.#places = places;
    this.#call = call;
  }

  /** Where an object was put first; `undefined` when no index knows it. */
  locate(object: ObjectId): ObjectLocation | undefined {
    return this.#places.locate(object);
  }

  /** Where an object is by now, and the packs that it has been moved from. Nowhere: `data-loss`. */
  async place(
    object: ObjectId,
  ): Promise<{ readonly location: ObjectLocation; readonly moved: readonly ObjectId[] }> {
    const moved: ObjectId[] = [];
    let location = this.#places.locate(object);
    if (location === undefined) throw lost(object, 'no index knows it');
    while (!(await this.#isThere(location.pack))) {
      const next: ObjectLocation | undefined = (await this.#movesOf(location.pack)).get(object);
      if (next === undefined) throw lost(object, `pack ${location.pack} is not in the store`);
      moved.push(location.pack);
      location = next;
    }
    return { location, moved };
  }

  /** An object's bytes, which have its id. Missing or different: `data-loss`, naming it. */
  read(object: ObjectId): Promise<Buffer> {
    return this.use(object, (bytes) => Buffer.from(bytes));
  }

  /** The same, looked at in place: quicker for many. The bytes are there until `look` returns. */
  async use<T>(object: ObjectId, look: (bytes: Buffer) => T): Promise<T> {
    const location = this.#places.locate(object);
    if (location === undefined) throw lost(object, 'no index knows it');
    return this.#useAt(object, location, look);
  }

  /** The same at once, where the object's frame is in memory; false where it must be read. */
  useNow(object: ObjectId, look: (bytes: Buffer) => void): boolean {
    const location = this.#places.locate(object);
    const frame = location && this.#ready.get(keyOf(location));
    if (!location || !frame) return false;
    look(this.#checked(object, location, frame));
    return true;
  }

  /** Reads ahead: the object will be wanted soon. What goes wrong is told to whoever wants it. */
  expect(object: ObjectId): void {
    const location = this.#places.locate(object);
    if (location && !this.#frames.has(keyOf(location))) {
      this.#frame(location).catch(() => undefined);
    }
  }

  #checked(object: ObjectId, location: ObjectLocation, frame: Buffer): Buffer {
    const bytes = frame.subarray(location.at, location.at + location.size);
    if (this.#repository.codec.identify(bytes) === object) return bytes;
    throw lost(object, `its bytes in pack ${location.pack} have another digest`);
  }

  async #useAt<T>(
    object: ObjectId,
    location: ObjectLocation,
    look: (bytes: Buffer) => T,
  ): Promise<T> {
    let frame: Buffer;
    try {
      do frame = await this.#frame(location);
      // Given back meanwhile, for others that were wanted.
      while (frame.length < location.raw);
    } catch (error) {
      if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
      // Pruning has moved what was still used of that pack.
      const moved = (await this.#movesOf(location.pack)).get(object);
      if (moved === undefined) throw lost(object, `pack ${location.pack} is not in the store`);
      return this.#useAt(object, moved, look);
    }
    return look(this.#checked(object, location, frame));
  }

  #frame(location: ObjectLocation): Promise<Buffer> {
    const key = keyOf(location);
    const known = this.#frames.get(key);
    const frame = known ?? { raw: location.raw, bytes: this.#load(location) };
    // Set again either way: the order of a Map is the order of use.
    this.#frames.delete(key);
    this.#frames.set(key, frame);
    if (!known) {
      this.#kept += location.raw;
      void this.#keepReady(key, frame);
      this.#forget();
    }
    return frame.bytes;
  }

  async #keepReady(key: string, frame: KeptFrame): Promise<void> {
    const [loaded] = await Promise.allSettled([frame.bytes]);
    // One that could not be read is the error of whoever asked for it.
    if (loaded.status === 'fulfilled' && this.#frames.get(key) === frame) {
      this.#ready.set(key, loaded.value);
    }
  }

  async #load({ pack, offset, stored, raw }: ObjectLocation): Promise<Buffer<ArrayBuffer>> {
    const name = `pack ${pack}`;
    this.#weight.count();
    if (raw > largestFrame) throw lost(name, `a frame claims ${raw} bytes`);
    const { store } = this.#repository;
    const opener = await this.#opener(pack);
    const key = storeKeys.pack(pack);
    const range = { offset, length: stored };
    if (stored > roomBytes) {
      const bytes = await getBytes(store, key, this.#call, range);
      return decompressFrame(opener.open(offset, bytes), raw, name);
    }
    const room = this.#rooms.pop() ?? Buffer.allocUnsafeSlow(roomBytes).buffer;
    const { bytes, place } = await getBytesInto(room, store, key, this.#call, range);
    const plain = await decompressFrame(opener.open(offset, bytes), raw, name);
    this.#rooms.push(place ?? room);
    return plain;
  }

  #opener(pack: ObjectId): Promise<Opener> {
    const known = this.#openers.get(pack);
    if (known) return known;
    const opener = this.#readOpener(pack);
    this.#openers.set(pack, opener);
    return opener;
  }

  async #readOpener(pack: ObjectId): Promise<Opener> {
    const { store, codec } = this.#repository;
    const name = `pack ${pack}`;
    if (codec.saltBytes === 0) return codec.opener(Buffer.alloc(0), name);
    const range = { offset: packMagic.length, length: codec.saltBytes };
    return codec.opener(await getBytes(store, storeKeys.pack(pack), this.#call, range), name);
  }

  #isThere(pack: ObjectId): Promise<boolean> {
    const { store } = this.#repository;
    const there =
      this.#present.get(pack) ??
      store.head(storeKeys.pack(pack), this.#call).then((found) => found !== undefined);
    this.#present.set(pack, there);
    return there;
  }

  #movesOf(pack: ObjectId): Promise<ReadonlyMap<ObjectId, ObjectLocation>> {
    const known = this.#moves.get(pack);
    if (known) return known;
    const moves = readMoves(this.#repository, pack, this.#call);
    this.#moves.set(pack, moves);
    return moves;
  }

  #forget(): void {
    for (const [key, { raw, bytes }] of this.#frames) {
      if (this.#kept <= keptBytes || this.#frames.size === 1) return;
      this.#frames.delete(key);
      this.#ready.delete(key);
      this.#kept -= raw;
      bytes.then(freeBytes, () => undefined); // Whoever asked for it has the error.
    }
  }
}

function keyOf({ pack, offset }: ObjectLocation): string {
  return `${pack}/${offset}`;
}

function lost(object: string, reason: string): SandboxError {
  const name = /^[0-9a-f]{64}$/.test(object) ? `object ${object}` : object;
  return new SandboxError('data-loss', `${name} is lost: ${reason}`, {
    details: { object: name },
  });
}
