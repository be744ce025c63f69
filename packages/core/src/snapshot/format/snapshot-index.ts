import { ByteParser, ByteWriter } from './bytes.ts';
import type { PackFrame, PackedObject } from './pack.ts';
import { idBytes, type ObjectId } from './tree-node.ts';

/** What an index document starts with. */
export const indexMagic = 'GIX1';
/** Indexes of one chain; the next one is written whole. */
export const longestChain = 16;

/** What is known of one path beside its place in the tree. */
export interface PathFacts {
  /** Last change of the contents, in nanoseconds since the Unix epoch. */
  readonly modifiedNs: bigint;
  /** What a listing said of it, to be compared with the next one. Empty: it cannot be told whether it changes. */
  readonly state: string;
}

/** Against what the next snapshot of the same sandbox can be compared. */
export type CompareSource =
  | { readonly kind: 'none' }
  /** The states in this index and those before it. */
  | { readonly kind: 'listing'; readonly sandbox: string }
  /** A mark of the driver's `changes`. */
  | { readonly kind: 'mark'; readonly sandbox: string; readonly mark: string };

/** A frame, and which of the index's packs it is in. */
export interface IndexFrame extends PackFrame {
  readonly pack: number;
}

/** One index as it is stored: what it adds to its parent. */
export interface IndexDocument {
  readonly parent?: ObjectId;
  /** Indexes before it in its chain. */
  readonly depth: number;
  readonly source: CompareSource;
  readonly packs: readonly ObjectId[];
  readonly frames: readonly IndexFrame[];
  readonly objects: readonly PackedObject[];
  /** By path, a latin1 string with one character for each byte. */
  readonly facts: ReadonlyMap<string, PathFacts>;
  /** Paths of the parent that are gone. */
  readonly removed: readonly string[];
}

const sourceKinds = ['none', 'listing', 'mark'] as const;

/** The encoding of an index; paths are sorted and share their beginnings. */
export function encodeIndex(index: IndexDocument): Buffer {
  const writer = new ByteWriter();
  writer.byte(index.parent === undefined ? 0 : 1);
  if (index.parent !== undefined) writer.raw(Buffer.from(index.parent, 'hex'));
  writer.number(index.depth);
  const { source } = index;
  writer.byte(sourceKinds.indexOf(source.kind));
  if (source.kind !== 'none') writer.block(Buffer.from(source.sandbox));
  if (source.kind === 'mark') writer.block(Buffer.from(source.mark));
  writer.number(index.packs.length);
  for (const pack of index.packs) writer.raw(Buffer.from(pack, 'hex'));
  writer.number(index.frames.length);
  for (const { pack, offset, stored, raw } of index.frames) {
    for (const value of [pack, offset, stored, raw]) writer.number(value);
  }
  writer.number(index.objects.length);
  for (const { id, frame, at, size } of index.objects) {
    writer.raw(Buffer.from(id, 'hex'));
    for (const value of [frame, at, size]) writer.number(value);
  }
  const writePath = pathWriter(writer);
  writer.number(index.facts.size);
  for (const path of [...index.facts.keys()].toSorted()) {
    const { modifiedNs = 0n, state = '' } = index.facts.get(path) ?? {};
    writePath(path);
    writer.signed(modifiedNs);
    writer.block(Buffer.from(state, 'latin1'));
  }
  const writeRemoved = pathWriter(writer);
  writer.number(index.removed.length);
  for (const path of index.removed.toSorted()) writeRemoved(path);
  return writer.finish();
}

/** An index as it was encoded, else `data-loss`. */
export function decodeIndex(bytes: Uint8Array, object: string): IndexDocument {
  const parser = new ByteParser(bytes, object);
  const parent = parser.byte() === 1 ? parser.raw(idBytes).toString('hex') : undefined;
  const depth = parser.number();
  if (depth >= longestChain) throw parser.damaged('its chain is too long');
  const source = decodeSource(parser);
  const packs = repeat(parser, () => parser.raw(idBytes).toString('hex'));
  const frames = repeat(parser, () => {
    const [pack, offset] = [parser.number(), parser.number()];
    const [stored, raw] = [parser.number(), parser.number()];
    if (packs[pack] === undefined) throw parser.damaged('a frame is in no pack');
    return { pack, offset, stored, raw };
  });
  const objects = repeat(parser, () => {
    const id = parser.raw(idBytes).toString('hex');
    const [frame, at, size] = [parser.number(), parser.number(), parser.number()];
    if (at + size > (frames[frame]?.raw ?? -1)) throw parser.damaged('an object is in no frame');
    return { id, frame, at, size };
  });
  const readPath = pathReader(parser);
  const facts = new Map(
    repeat(parser, () => {
      const path = readPath();
      const modifiedNs = parser.signed();
      return [path, { modifiedNs, state: parser.block().toString('latin1') }] as const;
    }),
  );
  const removed = repeat(parser, pathReader(parser));
  parser.end();
  return {
    ...(parent === undefined ? {} : { parent }),
    ...{ depth, source, packs, frames, objects, facts, removed },
  };
}

function decodeSource(parser: ByteParser): CompareSource {
  const kind = sourceKinds[parser.byte()];
  if (kind === undefined) throw parser.damaged('its source is of no known kind');
  if (kind === 'none') return { kind };
  const sandbox = parser.block().toString();
  if (kind === 'listing') return { kind, sandbox };
  return { kind, sandbox, mark: parser.block().toString() };
}

function repeat<T>(parser: ByteParser, read: () => T): T[] {
  const items: T[] = [];
  for (let left = parser.number(); left > 0; left -= 1) items.push(read());
  return items;
}

/** Writes how many bytes a path shares with the one before it, and the rest. */
function pathWriter(writer: ByteWriter): (path: string) => void {
  let before = '';
  return (path) => {
    let shared = 0;
    while (shared < path.length && path[shared] === before[shared]) shared += 1;
    writer.number(shared);
    writer.block(Buffer.from(path.slice(shared), 'latin1'));
    before = path;
  };
}

function pathReader(parser: ByteParser): () => string {
  let before = '';
  return () => {
    const shared = parser.number();
    if (shared > before.length) throw parser.damaged('a path in it is cut off');
    before = before.slice(0, shared) + parser.block().toString('latin1');
    return before;
  };
}
