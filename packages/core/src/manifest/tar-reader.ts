import { SandboxError } from '../errors/sandbox-error.ts';
import type { ByteReader } from './byte-reader.ts';
import { byteReader } from './byte-reader.ts';
import { nameText } from './byte-name.ts';
import { parsePaxRecords } from './pax-records.ts';
import type { RawHeader } from './tar-decode.ts';
import { decodeTarBlock } from './tar-decode.ts';
import { tarBlock } from './tar-header.ts';
import type { TarEntry, TarLimits, TarType } from './tar-types.ts';

/** Most bytes of a long name or of pax records. Names end at 4096; a larger header is an attack. */
const maxMetadataBytes = 1024 * 1024;

const types: Readonly<Record<string, TarType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
};

/** What has no contents, and no place in a workspace's description. */
type SpecialType = 'character-device' | 'block-device' | 'fifo';

const specialTypes: Readonly<Record<string, SpecialType>> = {
  '3': 'character-device',
  '4': 'block-device',
  '6': 'fifo',
};

/** How a tar file is read that is not refused for what a snapshot tells apart. */
export interface TarReading {
  /** Hears of devices and fifos, which are left out then. Absent: they are refused. */
  readonly onSpecial?: (type: SpecialType, path: Uint8Array) => void;
  /** Whether another tar file may follow the end of the first. */
  readonly concatenated?: boolean;
}

interface Overrides {
  path?: Buffer;
  linkTarget?: Buffer;
  size?: number;
}

/**
 * The entries of a tar file that may be hostile: ustar, GNU and pax, names byte for byte (which the
 * usual readers do not keep in pax headers). Devices, fifos, sparse files and unknown types are
 * refused with `failed-precondition`, a damaged or cut-off file with `data-loss`. The names themselves
 * are not checked: whoever writes files checks where they lead.
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: TarLimits,
  how: TarReading = {},
): AsyncGenerator<TarEntry, void, undefined> {
  let bytes = 0;
  let entries = 0;
  await using reader = byteReader(source, (count) => {
    bytes += count;
    if (bytes > limits.maxBytes) throw exhausted(`over ${limits.maxBytes} bytes`);
  });
  let overrides: Overrides = {};
  let pending: Buffer | undefined;
  for (;;) {
    const block = pending ?? reader.takeNow(tarBlock) ?? (await reader.take(tarBlock));
    pending = undefined;
    if (block === undefined) throw damaged('it ends without its end mark');
    const raw = decodeTarBlock(block);
    if (raw === undefined) {
      if (how.concatenated !== true) break;
      const next = await firstBlockAfter(reader);
      if (next === undefined) return;
      pending = next;
      continue;
    }
    if ('xgLK'.includes(raw.flag)) {
      overrides = { ...overrides, ...(await readOverrides(reader, raw)) };
      continue;
    }
    entries += 1;
    if (entries > limits.maxEntries) throw exhausted(`over ${limits.maxEntries} entries`);
    const special = specialTypes[raw.flag];
    if (special !== undefined && how.onSpecial) how.onSpecial(special, overrides.path ?? raw.path);
    else {
      const { entry, skip } = openEntry(reader, raw, overrides);
      yield entry;
      await skip?.();
    }
    overrides = {};
  }
  // What follows the end mark is padding; it is read so that the writer does not fail on a closed pipe.
  while ((await reader.some(tarBlock * 128)) !== undefined);
}

/** The first block that is no filling, after an end mark; `undefined` at the end of all. */
async function firstBlockAfter(reader: ByteReader): Promise<Buffer | undefined> {
  for (;;) {
    const block = await reader.take(tarBlock);
    if (block === undefined || block.some((byte) => byte !== 0)) return block;
  }
}

/** One entry, and how to get to the end of what it has not been read of. */
function openEntry(
  reader: ByteReader,
  raw: RawHeader,
  overrides: Overrides,
): { readonly entry: TarEntry; readonly skip?: () => Promise<void> } {
  const named = overrides.path ?? raw.path;
  // Version 7 tar marks a directory by the slash at its end alone.
  const slash = named.at(-1) === 0x2f;
  const flag = slash && (raw.flag === '0' || raw.flag === '\0') ? '5' : raw.flag;
  const type = types[flag];
  const path = slash ? named.subarray(0, endWithoutSlashes(named)) : named;
  if (type === undefined) throw refusedType(flag, path);
  const size = type === 'file' ? (overrides.size ?? raw.size) : 0;
  const linkTarget = overrides.linkTarget ?? raw.linkTarget;
  const { mode, modifiedSeconds } = raw;
  const header = {
    ...{ type, path, mode, size, modifiedSeconds },
    ...(type === 'symlink' || type === 'hardlink' ? { linkTarget } : {}),
  };
  const padding = (tarBlock - (size % tarBlock)) % tarBlock;
  // Most files are small and have come with their header: no waiting, and no copy.
  const bytes = reader.takeNow(size + padding)?.subarray(0, size);
  if (bytes !== undefined) return { entry: { ...header, bytes, contents: once(bytes) } };
  const contents = remaining(reader, path, size);
  const skip = async (): Promise<void> => {
    for await (const _skipped of contents);
    if ((await reader.take(padding)) === undefined)
      throw damaged(`it ends within ${nameText(path)}`);
  };
  return { entry: { ...header, contents }, skip };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
}

/** What is left of an entry's contents; may be read in several goes. */
function remaining(reader: ByteReader, path: Buffer, size: number): AsyncIterable<Uint8Array> {
  let left = size;
  return {
    async *[Symbol.asyncIterator]() {
      while (left > 0) {
        const chunk = await reader.some(left);
        if (chunk === undefined) throw damaged(`it ends within ${nameText(path)}`);
        left -= chunk.length;
        yield chunk;
      }
    },
  };
}

async function readOverrides(reader: ByteReader, raw: RawHeader): Promise<Overrides> {
  if (raw.size > maxMetadataBytes) throw damaged(`a header of it claims ${raw.size} bytes`);
  const padded = Math.ceil(raw.size / tarBlock) * tarBlock;
  const bytes = (await reader.take(padded))?.subarray(0, raw.size);
  if (bytes === undefined) throw damaged('it ends within a header');
  const text = bytes.subarray(0, bytes.indexOf(0) === -1 ? bytes.length : bytes.indexOf(0));
  if (raw.flag === 'L') return { path: text };
  if (raw.flag === 'K') return { linkTarget: text };
  const records = parsePaxRecords(bytes);
  const sparse = [...records.keys()].find((key) => key.startsWith('GNU.sparse.'));
  if (sparse !== undefined) throw refusedType('sparse', records.get('path') ?? Buffer.from('?'));
  // A global header speaks of the whole file (git's has the commit); a name in it makes no sense.
  return raw.flag === 'g' ? {} : paxOverrides(records);
}

function paxOverrides(records: ReadonlyMap<string, Buffer>): Overrides {
  const [path, linkTarget, size] = ['path', 'linkpath', 'size'].map((key) => records.get(key));
  const bad = [path, linkTarget].some((name) => name?.includes(0));
  const sizeText = size?.toString('latin1');
  if (bad || (sizeText !== undefined && !/^\d{1,15}$/.test(sizeText))) {
    throw damaged('a pax header of it has a bad value');
  }
  return {
    ...(path === undefined ? {} : { path }),
    ...(linkTarget === undefined ? {} : { linkTarget }),
    ...(sizeText === undefined ? {} : { size: Number(sizeText) }),
  };
}

function endWithoutSlashes(path: Buffer): number {
  let end = path.length;
  while (end > 1 && path[end - 1] === 0x2f) end -= 1;
  return end;
}

function refusedType(flag: string, path: Uint8Array): SandboxError {
  const names: Readonly<Record<string, string>> = {
    '3': 'a character device',
    '4': 'a block device',
    '6': 'a fifo',
    S: 'a sparse file',
    sparse: 'a sparse file',
  };
  const what = names[flag] ?? `an entry of unknown type ${JSON.stringify(flag)}`;
  return new SandboxError('failed-precondition', `${nameText(path)} is ${what}, which is refused`, {
    operation: 'tar.read',
    details: { path: nameText(path) },
  });
}

function damaged(reason: string): SandboxError {
  return new SandboxError('data-loss', `the tar file is damaged: ${reason}`, {
    operation: 'tar.read',
  });
}

function exhausted(reason: string): SandboxError {
  return new SandboxError(
    'resource-exhausted',
    `the tar file has ${reason}, the most that is taken`,
    {
      operation: 'tar.read',
      retryable: false,
    },
  );
}
