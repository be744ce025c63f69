import { nameText } from './byte-name.ts';

/**
 * A path byte for byte: a string with one character for each byte (latin1), so that names that are no
 * UTF-8 survive, and comparing, splitting and looking up work as they do for strings. Sorting these
 * strings sorts by byte. Never print one; `pathText` does that.
 */
export type BytePath = string;

/** From text (as UTF-8) or from the bytes themselves. */
export function bytePath(path: string | Uint8Array): BytePath {
  return (
    typeof path === 'string'
      ? Buffer.from(path)
      : Buffer.from(path.buffer, path.byteOffset, path.length)
  ).toString('latin1');
}

/** The bytes, for a system call or a tar header. */
export function pathBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** The path for people and for receipts; bytes that are not UTF-8 are written `\xNN`. */
export function pathText(path: BytePath): string {
  return nameText(pathBytes(path));
}

/** Both parts with a slash between; an empty part is left out. */
export function joinPath(directory: BytePath, name: BytePath): BytePath {
  return directory === '' || name === '' ? directory + name : `${directory}/${name}`;
}

/** Every proper ancestor, outermost first, without the root. */
export function ancestors(path: BytePath): BytePath[] {
  const result: BytePath[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    result.push(path.slice(0, slash));
  }
  return result;
}

/** Sorts by byte; a directory comes before what is in it. */
export function compareBytePaths(left: BytePath, right: BytePath): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
