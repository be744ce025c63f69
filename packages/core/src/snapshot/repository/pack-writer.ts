import { hash, webcrypto } from 'node:crypto';
import type { Call } from '../../contract/call.ts';
import type { Sealer } from '../format/codec.ts';
import { FrameCompressor, freePieces } from '../format/frame-compressor.ts';
import { freeBytes } from '../free-bytes.ts';
import {
  encodePackList,
  packFooterBytes,
  type PackFrame,
  packListMagic,
  packMagic,
  type PackedObject,
} from '../format/pack.ts';
import { sealDocument } from '../format/sealed-document.ts';
import type { ObjectId } from '../format/tree-node.ts';
import { type Repository, storeKeys } from './repository.ts';
import { putBytes } from './store-access.ts';

/** Plain bytes in a frame; an object that is larger has one of its own. */
const frameBytes = 1024 * 1024;
/** A pack is closed from this many bytes on; the format allows 64 MiB and one frame more. */
const packBytes = 8 * 1024 * 1024;
/** Frames being compressed at once, on other threads. */
const framesAtOnce = 3;

/** One pack that is in the store. */
export interface WrittenPack {
  readonly id: ObjectId;
  readonly frames: readonly PackFrame[];
  readonly objects: readonly PackedObject[];
}

interface OpenFrame {
  readonly buffer: Buffer<ArrayBuffer>;
  filled: number;
  readonly objects: Omit<PackedObject, 'frame'>[];
}

interface ClosedFrame {
  readonly raw: number;
  readonly ofContents: boolean;
  readonly objects: OpenFrame['objects'];
  readonly compressed: Promise<readonly Buffer<ArrayBuffer>[]>;
}

/** Puts objects into packs as they come: compresses on other threads, holds one pack and a few frames in memory. */
export class PackWriter {
  readonly #repository: Repository;
  readonly #call: Call;
  readonly #onPack: (pack: WrittenPack) => void;
  readonly #spare: Buffer<ArrayBuffer>[] = [];
  readonly #rooms: Buffer<ArrayBuffer>[] = [];
  readonly #compressors: FrameCompressor[] = [];
  readonly #closed: ClosedFrame[] = [];
  #frame: OpenFrame | undefined;
  #pack: OpenPack | undefined;
  #putting: Promise<void> = Promise.resolve();
  #ofContents = true;
  /** Bytes that contents take in the store. Complete once finished, like the other. */
  contentBytes = 0;
  /** Bytes of all else in packs. */
  metadataBytes = 0;

  constructor(repository: Repository, call: Call, onPack: (pack: WrittenPack) => void) {
    this.#repository = repository;
    this.#call = call;
    this.#onPack = onPack;
  }

  /** Adds an object. The bytes are copied, or used up, before this resolves. */
  async add(id: ObjectId, bytes: Uint8Array): Promise<void> {
    const room = this.#frame === undefined ? frameBytes : frameBytes - this.#frame.filled;
    if (bytes.length > room) await this.#endFrame();
    if (bytes.length > frameBytes) {
      const objects = [{ id, at: 0, size: bytes.length }];
      const compressed = this.#compress(bytes);
      this.#closed.push({ raw: bytes.length, ofContents: this.#ofContents, objects, compressed });
      await this.#drain(0);
      return;
    }
    const frame = (this.#frame ??= {
      buffer: this.#spare.pop() ?? Buffer.allocUnsafeSlow(frameBytes),
      filled: 0,
      objects: [],
    });
    frame.buffer.set(bytes, frame.filled);
    frame.objects.push({ id, at: frame.filled, size: bytes.length });
    frame.filled += bytes.length;
  }

  /** What follows is no contents, and is counted apart. */
  async endContents(): Promise<void> {
    await this.#endFrame();
    this.#ofContents = false;
  }

  async #endFrame(): Promise<void> {
    const frame = this.#frame;
    this.#frame = undefined;
    if (frame === undefined) return;
    const compressed = this.#compress(frame.buffer.subarray(0, frame.filled)).finally(() => {
      this.#spare.push(frame.buffer);
    });
    compressed.catch(() => undefined); // Looked at when its turn comes.
    const { filled: raw, objects } = frame;
    this.#closed.push({ raw, ofContents: this.#ofContents, objects, compressed });
    await this.#drain(framesAtOnce);
  }

  async #compress(bytes: Uint8Array): Promise<readonly Buffer<ArrayBuffer>[]> {
    const compressor = this.#compressors.pop() ?? new FrameCompressor(frameBytes);
    try {
      const pieces = await compressor.compress(bytes);
      this.#compressors.push(compressor);
      return pieces;
    } catch (error) {
      compressor.close();
      throw error;
    }
  }

  /** Writes what is left. All packs are in the store when it resolves. */
  async finish(): Promise<void> {
    await this.#endFrame();
    await this.#drain(0);
    await this.#endPack();
    await this.#putting;
    for (const room of [...this.#rooms.splice(0), ...this.#spare.splice(0)]) freeBytes(room);
    for (const compressor of this.#compressors.splice(0)) compressor.close();
  }

  /** Takes frames that are compressed into the pack, in order, until at most so many are left. */
  async #drain(left: number): Promise<void> {
    while (this.#closed.length > left) {
      const frame = this.#closed.shift();
      if (frame === undefined) return;
      const pieces = await frame.compressed;
      this.#pack ??= new OpenPack(this.#repository.codec.sealer(), this.#rooms.pop());
      const stored = this.#pack.append(frame, pieces);
      if (frame.ofContents) this.contentBytes += stored;
      else this.metadataBytes += stored;
      if (this.#pack.length >= packBytes) await this.#endPack();
    }
  }

  async #endPack(): Promise<void> {
    const pack = this.#pack;
    this.#pack = undefined;
    if (pack === undefined) return;
    // One pack on its way at a time: the next one is filled meanwhile.
    await this.#putting;
    this.#putting = this.#put(pack);
    this.#putting.catch(() => undefined); // Looked at before the next one, and at the end.
  }

  async #put(pack: OpenPack): Promise<void> {
    const { codec, store } = this.#repository;
    const { frames, objects } = pack;
    const list = await sealDocument(codec, packListMagic, encodePackList({ frames, objects }));
    const footer = Buffer.alloc(packFooterBytes);
    footer.writeUInt32BE(list.length);
    pack.add(list);
    pack.add(footer);
    const { bytes } = pack;
    const id =
      bytes.length < frameBytes ? hash('sha256', bytes, 'hex') : await hashElsewhere(bytes);
    await putBytes(store, storeKeys.pack(id), [bytes], { signal: this.#call.signal });
    this.metadataBytes += list.length + footer.length + pack.startBytes;
    this.#rooms.push(pack.room);
    this.#onPack({ id, frames, objects });
  }
}

/** SHA-256 on another thread: this one looks for boundaries meanwhile. What is short is copied there in vain. */
async function hashElsewhere(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

/** Room that the first pack has from the start: most of what changes between two captures is small. */
const firstRoom = 512 * 1024;
/** Room that a pack comes to: one frame and its list fit in beyond the size at which it is closed. */
const packRoom = packBytes + 2 * frameBytes;

/** A pack as it grows, in one place: many large buffers keep the collector busy. */
class OpenPack {
  readonly startBytes: number;
  readonly frames: PackFrame[] = [];
  readonly objects: PackedObject[] = [];
  readonly #sealer: Sealer;
  #room: Buffer<ArrayBuffer>;
  length = 0;

  /** `room`: that of a pack that is in the store. */
  constructor(sealer: Sealer, room: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(firstRoom)) {
    this.#sealer = sealer;
    this.#room = room;
    this.add(Buffer.from(packMagic, 'latin1'));
    this.add(sealer.salt);
    this.startBytes = this.length;
  }

  get room(): Buffer<ArrayBuffer> {
    return this.#room;
  }

  get bytes(): Buffer<ArrayBuffer> {
    return this.#room.subarray(0, this.length);
  }

  add(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    if (needed > this.#room.length) {
      const doubled = 4 * this.#room.length > packRoom ? packRoom : 2 * this.#room.length;
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, doubled));
      larger.set(this.bytes);
      freeBytes(this.#room);
      this.#room = larger;
    }
    this.#room.set(bytes, this.length);
    this.length = needed;
  }

  /** Seals a frame into the pack; returns the bytes that it takes. */
  append({ raw, objects }: ClosedFrame, compressed: readonly Buffer<ArrayBuffer>[]): number {
    const offset = this.length;
    // Its place is the number that it is sealed with: no other frame of this pack has it.
    for (const piece of this.#sealer.seal(offset, compressed)) this.add(piece);
    freePieces(compressed);
    const stored = this.length - offset;
    const frame = this.frames.length;
    this.frames.push({ offset, stored, raw });
    for (const object of objects) this.objects.push({ ...object, frame });
    return stored;
  }
}
