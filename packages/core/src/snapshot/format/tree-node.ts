import { ByteParser, ByteWriter } from './bytes.ts';

/** Bytes of an object's id. */
export const idBytes = 32;

/** An object's id as lower-case hexadecimal. */
export type ObjectId = string;

/** Where the contents of a file are: nowhere for an empty one, one blob, or the blobs that a list names. */
export type FileContents =
  | { readonly kind: 'empty' }
  | { readonly kind: 'blob'; readonly id: ObjectId }
  | { readonly kind: 'list'; readonly id: ObjectId };

/** One entry of a directory. Names and targets are latin1 strings, one character for each byte. */
export type TreeEntry = { readonly name: string } & TreeEntryBody;

/** What an entry is, without its name. */
export type TreeEntryBody =
  | {
      readonly type: 'file';
      readonly mode: number;
      readonly size: number;
      readonly contents: FileContents;
    }
  | { readonly type: 'directory'; readonly mode: number; readonly id: ObjectId }
  | { readonly type: 'symlink'; readonly target: string }
  /** One more name of a file: the path of its first name, from the root of the tree. */
  | { readonly type: 'hardlink'; readonly first: string };

const magic = 'GTN1';
const longestName = 255;
const longestTarget = 4096;
/** A path may be longer than one system call takes. */
const longestPath = 1024 * 1024;

const kinds = { file: 0x66, directory: 0x64, symlink: 0x6c, hardlink: 0x68 } as const;
const contentKinds = { empty: 0, blob: 1, list: 2 } as const;

/** What every directory starts with. */
export function beginTreeNode(): ByteWriter {
  const writer = new ByteWriter();
  writer.raw(Buffer.from(magic, 'latin1'));
  return writer;
}

/** The one encoding of a directory. The entries must be sorted by name and have different names. */
export function encodeTreeNode(entries: readonly TreeEntry[]): Buffer {
  const writer = beginTreeNode();
  for (const entry of entries) encodeTreeEntry(writer, entry.name, entry);
  return writer.finish();
}

/** The encoding of one entry. */
export function encodeTreeEntry(writer: ByteWriter, name: string, body: TreeEntryBody): void {
  writer.text(name);
  writer.byte(kinds[body.type]);
  switch (body.type) {
    case 'file': {
      writer.number(body.mode);
      writer.number(body.size);
      writer.byte(contentKinds[body.contents.kind]);
      if (body.contents.kind !== 'empty') writer.hex(body.contents.id);
      break;
    }
    case 'directory': {
      writer.number(body.mode);
      writer.hex(body.id);
      break;
    }
    case 'symlink':
      writer.text(body.target);
      break;
    case 'hardlink':
      writer.text(body.first);
      break;
  }
}

/** The entries of a directory. Anything that `encodeTreeNode` would not write is `data-loss`. */
export function decodeTreeNode(bytes: Uint8Array, object: string): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  checkTreeNode(bytes, object, decodeId, ({ name }, body) => entries.push({ name, ...body }));
  return entries;
}

/** How an entry's id is read: what looks at the rest alone need not make a text of it. */
type IdReader = (parser: ByteParser) => ObjectId;

/** Where an entry is in its directory's bytes. */
export interface EntryPlace {
  readonly name: string;
  /** Its first byte, and that of its body. */
  readonly start: number;
  readonly body: number;
}

/** Reads a directory entry by entry. Anything that `encodeTreeNode` would not write is `data-loss`. */
export function checkTreeNode(
  bytes: Uint8Array,
  object: string,
  readId: IdReader,
  onEntry: (place: EntryPlace, body: TreeEntryBody) => void,
): void {
  const parser = new ByteParser(bytes, object);
  parser.magic(magic);
  let before: string | undefined;
  while (!parser.ended) {
    const start = parser.offset;
    const name = parser.text();
    if (!isName(name)) throw parser.damaged('a name in it is no file name');
    if (before !== undefined && before >= name) {
      throw parser.damaged('its names are not sorted, or one is there twice');
    }
    before = name;
    const body = parser.offset;
    onEntry({ name, start, body }, decodeBody(parser, readId));
  }
}

/** What an entry is, from the bytes after its name. */
export function decodeTreeEntry(parser: ByteParser): TreeEntryBody {
  return decodeBody(parser, decodeId);
}

function decodeBody(parser: ByteParser, readId: IdReader): TreeEntryBody {
  const kind = parser.byte();
  if (kind === kinds.file) {
    const mode = decodeMode(parser);
    const size = parser.number();
    const contents = decodeContents(parser, readId);
    if ((size === 0) !== (contents.kind === 'empty')) {
      throw parser.damaged('a file in it has contents that do not fit its size');
    }
    return { type: 'file', mode, size, contents };
  }
  if (kind === kinds.directory) {
    return { type: 'directory', mode: decodeMode(parser), id: readId(parser) };
  }
  if (kind === kinds.symlink) {
    const target = parser.text();
    if (target === '' || target.length > longestTarget || target.includes('\0')) {
      throw parser.damaged('a symbolic link in it has no usable target');
    }
    return { type: 'symlink', target };
  }
  if (kind !== kinds.hardlink) throw parser.damaged('an entry in it is of no known type');
  const first = parser.text();
  if (first.length > longestPath || !first.split('/').every(isName)) {
    throw parser.damaged('a hard link in it names no path');
  }
  return { type: 'hardlink', first };
}

function decodeContents(parser: ByteParser, readId: IdReader): FileContents {
  const kind = parser.byte();
  if (kind === contentKinds.empty) return { kind: 'empty' };
  if (kind === contentKinds.blob) return { kind: 'blob', id: readId(parser) };
  if (kind === contentKinds.list) return { kind: 'list', id: readId(parser) };
  throw parser.damaged('a file in it has contents of no known kind');
}

function decodeMode(parser: ByteParser): number {
  const mode = parser.number();
  if (mode > 0o7777) throw parser.damaged('a mode in it is out of range');
  return mode;
}

function decodeId(parser: ByteParser): ObjectId {
  return parser.hex(idBytes);
}

/** Whether this may be a name in a directory: what no name can do is lead out of it. */
export function isName(name: string): boolean {
  return (
    name !== '' &&
    name !== '.' &&
    name !== '..' &&
    name.length <= longestName &&
    !name.includes('/') &&
    !name.includes('\0')
  );
}
