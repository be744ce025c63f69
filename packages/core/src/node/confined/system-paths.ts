import { readlinkSync } from 'node:fs';
import { SandboxError } from '../../errors/sandbox-error.ts';

/** A path for the system: a text where its bytes are those of the text's UTF-8 too, which is quicker. */
export function placeOf(path: string): string | Buffer {
  // oxlint-disable-next-line no-control-regex -- ASCII, all of it
  return /[^\x00-\x7f]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** The names of a path, one by one. Throws `invalid-argument` for one that could lead out of its directory. */
export function components(path: Uint8Array): Buffer[] {
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength);
  const names: Buffer[] = [];
  for (let start = 0; start <= bytes.length;) {
    const found = bytes.indexOf(0x2f, start);
    const end = found === -1 ? bytes.length : found;
    const name = bytes.subarray(start, end);
    const text = name.toString('latin1');
    if (text === '' || text === '.' || text === '..' || text.includes('\0'))
      throw invalidPath(path);
    names.push(name);
    start = end + 1;
  }
  return names;
}

let ownDescriptors: string | undefined;

/** Where the system lists this process's descriptors: past the link `/proc/self`, which each lookup would follow anew. */
export function descriptors(): string {
  return (ownDescriptors ??= `/proc/${readlinkSync('/proc/self')}/fd`);
}

/** An entry of an open directory, for the system. */
export function beneath(parent: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${descriptors()}/${parent}/`), name]);
}

/** A path for people. */
export function describe(path: Uint8Array): string {
  return JSON.stringify(Buffer.from(path).toString());
}

/** The error for what is no path beneath a directory. */
export function invalidPath(path: Uint8Array): SandboxError {
  return new SandboxError(
    'invalid-argument',
    `${describe(path)} is not a path beneath a directory: relative, without empty components, "." and ".."`,
  );
}
