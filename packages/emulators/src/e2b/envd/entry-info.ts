import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type GuestEntry, goPermissions } from '../../chassis/guest-entries.ts';
import type { E2bSandbox } from '../e2b-sandbox.ts';

import { type EntryInfoSchema, FileType } from './wire/filesystem.ts';

const directoryBits = 0o04;
const fileBits = 0o10;

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
    permissions: goPermissions(bits),
    ...{ owner, group },
    modifiedTime: timestampFromDate(modified),
    ...(target === undefined ? {} : { symlinkTarget: target }),
    metadata: { ...details.fileMetadata.get(path) },
  };
}

function typeOf(bits = 0): FileType {
  if (bits >> 12 === directoryBits) return FileType.DIRECTORY;
  return bits >> 12 === fileBits ? FileType.FILE : FileType.UNSPECIFIED;
}
