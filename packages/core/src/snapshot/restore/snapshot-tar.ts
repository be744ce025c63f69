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
/** Bytes of a chunk. */
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
export async function* snapshotTar(
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
  const chunks = new ChunkBuilder();
  if (form.parts.includes('entries')) {
    for (const { path, entry } of plan.directories) {
      chunks.add(header(path, 'directory', (entry.mode & permissions) | 0o700, 0));
    }
    for (const { path, entry } of plan.files) {
      chunks.add(header(path, 'file', entry.mode, entry.size));
      const whole = wholeContents(path, entry, reader);
      if (whole !== undefined) chunks.add(whole instanceof Uint8Array ? whole : await whole);
      else {
        for await (const piece of pieces(path, entry, reader)) {
          chunks.add(piece);
          yield* chunks.full();
        }
      }
      chunks.zeros(tarPadding(entry.size).length);
      form.onFile?.(entry.size);
      if (chunks.isFull) yield* chunks.full();
    }
    for (const { path, entry } of plan.symlinks) {
      chunks.add(link(path, 'symlink', pathBytes(entry.target)));
    }
    for (const { path, entry } of plan.hardlinks) {
      chunks.add(link(path, 'hardlink', name(entry.first)));
    }
  }
  if (form.parts.includes('directories')) {
    for (const { path, entry } of plan.directories.toReversed()) {
      chunks.add(header(path, 'directory', entry.mode, 0));
    }
  }
  for (const part of form.last?.() ?? []) chunks.add(part);
  chunks.zeros(tarBlock * 2);
  yield* chunks.full();
  yield* chunks.rest();
}

/** The bytes of a file that is one object: at once where they are in memory; `undefined` for one in pieces. */
function wholeContents(
  path: BytePath,
  { size, contents }: Planned<'file'>['entry'],
  reader: ObjectReader,
): Uint8Array | Promise<Uint8Array> | undefined {
  if (contents.kind === 'empty') return new Uint8Array(0);
  if (contents.kind === 'list') return undefined;
  const checked = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length !== size) throw wrongSize(path, size, bytes.length);
    return bytes;
  };
  const now = reader.readNow(contents.id);
  return now === undefined ? reader.read(contents.id).then(checked) : checked(now);
}

/** The pieces of a large file, each checked against its id. */
async function* pieces(
  path: BytePath,
  { size, contents }: Planned<'file'>['entry'],
  reader: ObjectReader,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (contents.kind !== 'list') return;
  const list = await reader.read(contents.id);
  for (const piece of decodeChunkList(list, size, `list ${contents.id}`)) {
    const bytes = await reader.read(piece.id);
    if (bytes.length !== piece.size) throw wrongSize(path, piece.size, bytes.length);
    yield bytes;
  }
}

/** Joins parts into chunks of a good size: each chunk costs a turn of the pipe. */
class ChunkBuilder {
  readonly #full: Uint8Array[] = [];
  #chunk = Buffer.allocUnsafe(chunkBytes);
  #filled = 0;

  get isFull(): boolean {
    return this.#full.length > 0;
  }

  add(part: Uint8Array): void {
    for (let at = 0; at < part.length;) {
      const taken = Math.min(part.length - at, chunkBytes - this.#filled);
      this.#chunk.set(
        at === 0 && taken === part.length ? part : part.subarray(at, at + taken),
        this.#filled,
      );
      this.#grow(taken);
      at += taken;
    }
  }

  zeros(count: number): void {
    for (let left = count; left > 0;) {
      const taken = Math.min(left, chunkBytes - this.#filled);
      this.#chunk.fill(0, this.#filled, this.#filled + taken);
      this.#grow(taken);
      left -= taken;
    }
  }

  /** The chunks that are full, which are then the caller's. */
  full(): readonly Uint8Array[] {
    return this.#full.splice(0);
  }

  rest(): readonly Uint8Array[] {
    return this.#filled === 0 ? [] : [this.#chunk.subarray(0, this.#filled)];
  }

  #grow(count: number): void {
    this.#filled += count;
    if (this.#filled < chunkBytes) return;
    this.#full.push(this.#chunk);
    this.#chunk = Buffer.allocUnsafe(chunkBytes);
    this.#filled = 0;
  }
}

function wrongSize(path: BytePath, expected: number, actual: number): SandboxError {
  const name = pathText(path);
  return new SandboxError(
    'data-loss',
    `${name} in the snapshot has ${actual} bytes where its tree says ${expected}`,
    { details: { object: name } },
  );
}
