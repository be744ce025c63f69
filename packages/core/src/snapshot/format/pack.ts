import { ByteParser, ByteWriter } from './bytes.ts';
import { idBytes, type ObjectId } from './tree-node.ts';

/** What a pack starts with, and its salt after it. */
export const packMagic = 'GPK1';
/** What the list at a pack's end starts with. */
export const packListMagic = 'GPL1';
/** The last bytes of a pack: the length of its list as stored. */
export const packFooterBytes = 4;

/** A part of a pack that is compressed and sealed as one. */
export interface PackFrame {
  /** First byte in the pack, and bytes there. */
  readonly offset: number;
  readonly stored: number;
  /** Bytes of the plain contents. */
  readonly raw: number;
}

/** Where one object is: which frame, and which bytes of its plain contents. */
export interface PackedObject {
  readonly id: ObjectId;
  readonly frame: number;
  readonly at: number;
  readonly size: number;
}

/** What is in one pack. */
export interface PackList {
  readonly frames: readonly PackFrame[];
  readonly objects: readonly PackedObject[];
}

/** The one encoding of the list at a pack's end. Offsets follow from the lengths. */
export function encodePackList({ frames, objects }: PackList): Buffer {
  const writer = new ByteWriter();
  writer.number(frames.length);
  for (const { stored, raw } of frames) {
    writer.number(stored);
    writer.number(raw);
  }
  writer.number(objects.length);
  for (const { id, frame, at, size } of objects) {
    writer.raw(Buffer.from(id, 'hex'));
    writer.number(frame);
    writer.number(at);
    writer.number(size);
  }
  return writer.finish();
}

/** The list of a pack whose first frame is at `start`. Places outside of it are `data-loss`. */
export function decodePackList(bytes: Uint8Array, start: number, object: string): PackList {
  const parser = new ByteParser(bytes, object);
  const frames: PackFrame[] = [];
  let offset = start;
  for (let left = parser.number(); left > 0; left -= 1) {
    const [stored, raw] = [parser.number(), parser.number()];
    frames.push({ offset, stored, raw });
    offset += stored;
  }
  const objects: PackedObject[] = [];
  for (let left = parser.number(); left > 0; left -= 1) {
    const id = parser.raw(idBytes).toString('hex');
    const [frame, at, size] = [parser.number(), parser.number(), parser.number()];
    if (at + size > (frames[frame]?.raw ?? -1)) throw parser.damaged('an object is outside of it');
    objects.push({ id, frame, at, size });
  }
  parser.end();
  return { frames, objects };
}
