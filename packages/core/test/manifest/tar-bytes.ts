import {
  encodeTarHeader,
  tarBlock,
  tarChecksum,
  tarPadding,
} from '../../src/manifest/tar-header.ts';
import type { TarType } from '../../src/manifest/tar-types.ts';

/** One entry of a tar file that a test makes, hostile or not. */
export interface MadeEntry {
  readonly path: string | Uint8Array;
  readonly type?: TarType;
  readonly contents?: string;
  readonly mode?: number;
  readonly target?: string;
  /** In place of the type's own flag. */
  readonly flag?: string;
  /** In place of the length of the contents. */
  readonly claimedSize?: number;
}

/** A whole tar file of these entries, byte for byte as told. */
export function tarBytes(...entries: readonly MadeEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryBytes), Buffer.alloc(tarBlock * 2)]);
}

/** A pax header with these records, for the entry after it. */
export function paxEntry(
  records: Readonly<Record<string, string | Uint8Array>>,
  flag = 'x',
): MadeEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = body.length + 1;
    while (String(length).length + body.length !== length) length += 1;
    return Buffer.concat([Buffer.from(String(length)), body]);
  });
  return { path: 'PaxHeader', flag, contents: Buffer.concat(lines).toString('latin1') };
}

/** The bytes as a stream of small, uneven chunks. */
export async function* inChunks(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size)
    yield bytes.subarray(offset, offset + size);
}

function entryBytes(entry: MadeEntry): Buffer {
  const contents = Buffer.from(entry.contents ?? '', 'latin1');
  const header = Buffer.from(
    encodeTarHeader({
      type: entry.type ?? 'file',
      path: Buffer.from(entry.path),
      mode: entry.mode ?? 0o644,
      size: entry.claimedSize ?? contents.length,
      modifiedSeconds: 1_700_000_000,
      ...(entry.target === undefined ? {} : { linkTarget: Buffer.from(entry.target) }),
    }),
  );
  if (entry.flag !== undefined) {
    const block = header.subarray(-tarBlock);
    block.write(entry.flag, 156);
    block.write(`${tarChecksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  }
  return Buffer.concat([header, contents, tarPadding(contents.length)]);
}
