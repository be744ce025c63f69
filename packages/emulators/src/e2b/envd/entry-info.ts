import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { E2bSandbox } from '../e2b-sandbox.ts';
import type { GuestEntry } from './entry-script.ts';
import { type EntryInfoSchema, FileType } from './wire/filesystem.ts';

const directoryBits = 0o04;
const fileBits = 0o10;
const linkBits = 0o12;

/** An entry as the vendor tells it: type and mode of what a link leads to, the rest of the link itself. */
export function entryInfo(
  { details }: E2bSandbox,
  { path, bits, targetBits, size, modified, owner, group, target }: GuestEntry,
): MessageInitShape<typeof EntryInfoSchema> {
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    type: typeOf(targetBits),
    path,
    size: BigInt(size),
    mode: (targetBits ?? 0) & 0o7777,
    permissions: permissions(bits),
    ...{ owner, group },
    modifiedTime: timestampFromDate(modified),
    ...(target === undefined ? {} : { symlinkTarget: target }),
    metadata: { ...details.fileMetadata.get(path) },
  };
}

/** Whether it is, links followed, a directory. */
export function isDirectory({ targetBits = 0 }: GuestEntry): boolean {
  return targetBits >> 12 === directoryBits;
}

/** Whether it is, links followed, a regular file. */
export function isFile({ targetBits = 0 }: GuestEntry): boolean {
  return targetBits >> 12 === fileBits;
}

function typeOf(bits = 0): FileType {
  if (bits >> 12 === directoryBits) return FileType.DIRECTORY;
  return bits >> 12 === fileBits ? FileType.FILE : FileType.UNSPECIFIED;
}

/** As Go prints a mode: `drwxr-xr-x`, `Lrwxrwxrwx`. */
function permissions(bits: number): string {
  const kind = bits >> 12 === directoryBits ? 'd' : bits >> 12 === linkBits ? 'L' : '-';
  const letters = Array.from('rwxrwxrwx', (letter, index) =>
    (bits >> (8 - index)) & 1 ? letter : '-',
  );
  return kind + letters.join('');
}
