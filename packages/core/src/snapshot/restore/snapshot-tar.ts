import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { joinPath, pathBytes, pathText } from '../../manifest/byte-path.ts';
import { encodeTarHeader, tarBlock, tarPadding } from '../../manifest/tar-header.ts';
import { decodeChunkList } from '../format/chunk-list.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { insideSection, type Section } from '../sections.ts';
import type { Planned, RestorePlan } from './restore-plan.ts';

/** Bits of a mode that are permissions and nothing more. */
const permissions = 0o777;
/** Small parts are joined into chunks of this size: each chunk costs a turn of the pipe. */
const chunkBytes = 256 * 1024;

/** How a snapshot becomes a tar. */
export interface TarForm {
  readonly section: Section;
  readonly parts: readonly TarPart[];
  /** Put in front of every name, with a slash between. */
  readonly prefix?: BytePath;
  /** Whether set-user-ID, set-group-ID and sticky bits stay. */
  readonly keepSpecialModes: boolean;
  /** Entries that follow all others, in blocks. */
  readonly last?: () => Iterable<Uint8Array>;
  /** Hears of contents as they are written. */
  onFile?(bytes: number): void;
}

/** The parts of a restore: what is put, and the modes and times of directories, which come last. */
type TarPart = 'entries' | 'directories';

/**
 * A tar of a section of a snapshot, made as it is read: directories that are open to their owner, files, links, and the
 * directories again with their own modes and times, the innermost first. A link comes after all that could be written through
 * it.
 */
export function snapshotTar(
  plan: RestorePlan,
  reader: ObjectReader,
  form: TarForm,
): AsyncGenerator<Uint8Array, void, undefined> {
  return joined(tarParts(plan, reader, form));
}

async function* tarParts(
  plan: RestorePlan,
  reader: ObjectReader,
  form: TarForm,
): AsyncGenerator<Uint8Array, void, undefined> {
  const seconds = (path: BytePath): number =>
    Number((plan.facts.get(path)?.modifiedNs ?? 0n) / 1_000_000_000n);
  const mask = form.keepSpecialModes ? 0o7777 : permissions;
  const name = (path: BytePath): Uint8Array =>
    pathBytes(joinPath(form.prefix ?? '', insideSection(path, form.section)));
  const header = (path: BytePath, type: 'file' | 'directory', mode: number, size: number) =>
    encodeTarHeader({
      ...{ type, path: name(path), mode: mode & mask, size },
      modifiedSeconds: seconds(path),
    });
  const link = (path: BytePath, type: 'symlink' | 'hardlink', linkTarget: Uint8Array) =>
    encodeTarHeader({
      ...{ type, path: name(path), mode: permissions, size: 0 },
      ...{ modifiedSeconds: seconds(path), linkTarget },
    });
  if (form.parts.includes('entries')) {
    for (const { path, entry } of plan.directories) {
      yield header(path, 'directory', (entry.mode & permissions) | 0o700, 0);
    }
    for (const { path, entry } of plan.files) {
      yield header(path, 'file', entry.mode, entry.size);
      yield* fileContents(path, entry, reader);
      yield tarPadding(entry.size);
      form.onFile?.(entry.size);
    }
    for (const { path, entry } of plan.symlinks)
      yield link(path, 'symlink', pathBytes(entry.target));
    for (const { path, entry } of plan.hardlinks) yield link(path, 'hardlink', name(entry.first));
  }
  if (form.parts.includes('directories')) {
    for (const { path, entry } of plan.directories.toReversed()) {
      yield header(path, 'directory', entry.mode, 0);
    }
  }
  yield* form.last?.() ?? [];
  yield Buffer.alloc(tarBlock * 2);
}

/** The bytes of a file, each piece checked against its id. */
async function* fileContents(
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
