import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathBytes, pathText } from '../../manifest/byte-path.ts';
import { encodeTarHeader, tarBlock, tarPadding } from '../../manifest/tar-header.ts';
import { decodeChunkList } from '../format/chunk-list.ts';
import type { TreeEntry } from '../format/tree-node.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import type { Planned, RestorePlan } from './restore-plan.ts';

/** Bits of a mode that are permissions and nothing more. */
const permissions = 0o777;
/** Small parts are joined into chunks of this size: each chunk costs a turn of the pipe. */
const chunkBytes = 256 * 1024;

/** How a snapshot becomes a tar. */
export interface TarForm {
  /** Whether set-user-ID, set-group-ID and sticky bits stay. */
  readonly keepSpecialModes: boolean;
  /** Hears of contents as they are written. */
  onFile?(bytes: number): void;
}

/**
 * One tar of a snapshot, made as it is read: directories that are open to their owner, files, links, and the directories again
 * with their own modes and times, the innermost first. A link comes after all that could be written through it.
 */
export async function* snapshotTar(
  plan: RestorePlan,
  reader: ObjectReader,
  form: TarForm,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* joined(tarParts(plan, reader, form));
}

async function* tarParts(
  plan: RestorePlan,
  reader: ObjectReader,
  form: TarForm,
): AsyncGenerator<Uint8Array, void, undefined> {
  const seconds = (path: BytePath): number =>
    Number((plan.facts.get(path)?.modifiedNs ?? 0n) / 1_000_000_000n);
  const mask = form.keepSpecialModes ? 0o7777 : permissions;
  const header = (path: BytePath, type: 'file' | 'directory', mode: number, size: number) =>
    encodeTarHeader({
      ...{ type, path: pathBytes(path), mode: mode & mask, size },
      modifiedSeconds: seconds(path),
    });
  for (const { path, entry } of plan.directories) {
    yield header(path, 'directory', (entry.mode & permissions) | 0o700, 0);
  }
  for (const { path, entry } of plan.files) {
    yield header(path, 'file', entry.mode, entry.size);
    yield* fileContents(path, entry, reader);
    yield tarPadding(entry.size);
    form.onFile?.(entry.size);
  }
  for (const { path, entry } of plan.symlinks) {
    yield link(path, 'symlink', entry.target, seconds(path));
  }
  for (const { path, entry } of plan.hardlinks) {
    yield link(path, 'hardlink', entry.first, seconds(path));
  }
  for (const { path, entry } of plan.directories.toReversed()) {
    yield header(path, 'directory', entry.mode, 0);
  }
  yield Buffer.alloc(tarBlock * 2);
}

/** The bytes of a file, each piece checked against its id. */
export async function* fileContents(
  path: BytePath,
  { size, contents }: Planned<'file'>['entry'],
  reader: ObjectReader,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (contents.kind === 'empty') return;
  if (contents.kind === 'blob') {
    const bytes = await reader.read(contents.id);
    if (bytes.length !== size) throw wrongSize(path, size, bytes.length);
    yield bytes;
    return;
  }
  const list = await reader.read(contents.id);
  for (const piece of decodeChunkList(list, size, `list ${contents.id}`)) {
    const bytes = await reader.read(piece.id);
    if (bytes.length !== piece.size) throw wrongSize(path, piece.size, bytes.length);
    yield bytes;
  }
}

function link(
  path: BytePath,
  type: Extract<TreeEntry['type'], 'symlink' | 'hardlink'>,
  target: string,
  modifiedSeconds: number,
): Uint8Array {
  const linkTarget = pathBytes(target);
  return encodeTarHeader({
    ...{ type, path: pathBytes(path), mode: permissions, size: 0 },
    ...{ modifiedSeconds, linkTarget },
  });
}

/** Parts in chunks of a good size; what is larger passes as it is. */
async function* joined(
  parts: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunk = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  for await (const part of parts) {
    if (filled + part.length > chunkBytes && filled > 0) {
      yield chunk.subarray(0, filled);
      chunk = Buffer.allocUnsafe(chunkBytes);
      filled = 0;
    }
    if (part.length > chunkBytes) {
      yield part;
      continue;
    }
    chunk.set(part, filled);
    filled += part.length;
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

function wrongSize(path: BytePath, expected: number, actual: number): SandboxError {
  const name = pathText(path);
  return new SandboxError(
    'data-loss',
    `${name} in the snapshot has ${actual} bytes where its tree says ${expected}`,
    { details: { object: name } },
  );
}
