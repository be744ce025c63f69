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

/** The one encoding of a directory. The entries must be sorted by name and have different names. */
export function encodeTreeNode(entries: readonly TreeEntry[]): Buffer {
  const writer = new ByteWriter();
  writer.raw(Buffer.from(magic, 'latin1'));
  for (const entry of entries) {
    writer.block(Buffer.from(entry.name, 'latin1'));
    writer.byte(kinds[entry.type]);
    switch (entry.type) {
      case 'file': {
        writer.number(entry.mode);
        writer.number(entry.size);
        writer.byte(contentKinds[entry.contents.kind]);
        if (entry.contents.kind !== 'empty') writer.raw(Buffer.from(entry.contents.id, 'hex'));
        break;
      }
      case 'directory': {
        writer.number(entry.mode);
        writer.raw(Buffer.from(entry.id, 'hex'));
        break;
      }
      case 'symlink':
        writer.block(Buffer.from(entry.target, 'latin1'));
        break;
      case 'hardlink':
        writer.block(Buffer.from(entry.first, 'latin1'));
        break;
    }
  }
  return writer.finish();
}

/** The entries of a directory. Anything that `encodeTreeNode` would not write is `data-loss`. */
export function decodeTreeNode(bytes: Uint8Array, object: string): readonly TreeEntry[] {
  const parser = new ByteParser(bytes, object);
  parser.magic(magic);
  const entries: TreeEntry[] = [];
  let before: string | undefined;
  while (!parser.ended) {
    const name = parser.block().toString('latin1');
    if (!isName(name)) throw parser.damaged('a name in it is no file name');
    if (before !== undefined && before >= name) {
      throw parser.damaged('its names are not sorted, or one is there twice');
    }
    before = name;
    entries.push({ name, ...decodeBody(parser) });
  }
  return entries;
}

function decodeBody(parser: ByteParser): TreeEntryBody {
  const kind = parser.byte();
  if (kind === kinds.file) {
    const mode = decodeMode(parser);
    const size = parser.number();
    const contents = decodeContents(parser);
    if ((size === 0) !== (contents.kind === 'empty')) {
      throw parser.damaged('a file in it has contents that do not fit its size');
    }
    return { type: 'file', mode, size, contents };
  }
  if (kind === kinds.directory) {
    return { type: 'directory', mode: decodeMode(parser), id: decodeId(parser) };
  }
  if (kind === kinds.symlink) {
    const target = parser.block().toString('latin1');
    if (target === '' || target.length > longestTarget || target.includes('\0')) {
      throw parser.damaged('a symbolic link in it has no usable target');
    }
    return { type: 'symlink', target };
  }
  if (kind !== kinds.hardlink) throw parser.damaged('an entry in it is of no known type');
  const first = parser.block().toString('latin1');
  if (first.length > longestPath || !first.split('/').every(isName)) {
    throw parser.damaged('a hard link in it names no path');
  }
  return { type: 'hardlink', first };
}

function decodeContents(parser: ByteParser): FileContents {
  const kind = parser.byte();
  if (kind === contentKinds.empty) return { kind: 'empty' };
  if (kind === contentKinds.blob) return { kind: 'blob', id: decodeId(parser) };
  if (kind === contentKinds.list) return { kind: 'list', id: decodeId(parser) };
  throw parser.damaged('a file in it has contents of no known kind');
}

function decodeMode(parser: ByteParser): number {
  const mode = parser.number();
  if (mode > 0o7777) throw parser.damaged('a mode in it is out of range');
  return mode;
}

function decodeId(parser: ByteParser): ObjectId {
  return parser.raw(idBytes).toString('hex');
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
