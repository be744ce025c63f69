import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { joinPath, pathBytes, pathText } from '../../manifest/byte-path.ts';
import { encodeSparseHeader } from '../../manifest/sparse-tar-header.ts';
import { encodeTarHeader, tarBlock, tarPadding } from '../../manifest/tar-header.ts';
import { wantBack } from '../../process/taken-chunks.ts';
import { decodeChunkList } from '../format/chunk-list.ts';
import type { ObjectId } from '../format/tree-node.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { insideSection, type Section } from '../sections.ts';
import type { FilePart, HoleFinder } from './file-holes.ts';
import type { Planned, RestorePlan } from './restore-plan.ts';

/** Bits of a mode that are permissions and nothing more. */
const permissions = 0o777;
/** Bytes of a chunk. */
const chunkBytes = 256 * 1024;
/** Bytes of contents that are read ahead: a few frames. */
const aheadBytes = 3 * 1024 * 1024;

/** How a snapshot becomes a tar. */
export interface TarForm {
  readonly section: Section;
  readonly parts: readonly TarPart[];
  /** Put in front of every name, with a slash between. */
  readonly prefix?: BytePath;
  /** Whether set-user-ID, set-group-ID and sticky bits stay. */
  readonly keepSpecialModes: boolean;
  /** Finds what becomes a hole. Absent: zeros are written. */
  readonly holes?: HoleFinder;
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
  const fields = (path: BytePath, type: 'file' | 'directory', mode: number, size: number) => ({
    ...{ type, path: name(path), mode: mode & mask, size },
    modifiedSeconds: seconds(path),
  });
  const header = (...entry: Parameters<typeof fields>) => encodeTarHeader(fields(...entry));
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
    const wanted = readAhead(
      reader,
      plan.files.map(({ entry }) => ({ id: objectOf(entry), size: entry.size })),
    );
    for (const [index, { path, entry }] of plan.files.entries()) {
      wanted(index);
      const start = fields(path, 'file', entry.mode, entry.size);
      let stored = entry.size;
      if (entry.contents.kind === 'list') {
        const list = await reader.read(entry.contents.id);
        const pieces = decodeChunkList(list, entry.size, `list ${entry.contents.id}`);
        const holed = await form.holes?.find(pieces);
        chunks.add(holed ? encodeSparseHeader(start, holed.regions) : encodeTarHeader(start));
        const parts: readonly FilePart[] = holed?.parts ?? pieces;
        if (holed) stored = holed.parts.reduce((sum, { size }) => sum + size, 0);
        const soon = readAhead(reader, parts);
        for (const [number, part] of parts.entries()) {
          soon(number);
          if (part.id === undefined) chunks.zeros(part.size);
          else {
            const { id, size } = part;
            const add = (bytes: Uint8Array): void => chunks.add(checked(path, size, bytes));
            if (!reader.useNow(id, add)) await reader.use(id, add);
          }
          if (chunks.isFull) yield* chunks.full();
        }
      } else {
        chunks.add(encodeTarHeader(start));
        if (entry.contents.kind === 'blob') {
          const add = (bytes: Uint8Array): void => chunks.add(checked(path, entry.size, bytes));
          if (!reader.useNow(entry.contents.id, add)) await reader.use(entry.contents.id, add);
        }
      }
      chunks.zeros(tarPadding(stored).length);
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

/** The object that a file's contents start from. */
function objectOf({ contents }: Planned<'file'>['entry']): ObjectId | undefined {
  return contents.kind === 'empty' ? undefined : contents.id;
}

/** Has what follows read while what is there is written: call with each item's number, in order. */
function readAhead(
  reader: ObjectReader,
  items: readonly { readonly id: ObjectId | undefined; readonly size: number }[],
): (index: number) => void {
  let [next, ahead] = [0, 0];
  return (index) => {
    for (let item = items[next]; item && ahead < aheadBytes; item = items[next]) {
      if (item.id !== undefined) reader.expect(item.id);
      ahead += item.size;
      next += 1;
    }
    ahead -= items[index]?.size ?? 0;
  };
}

/** Joins parts into chunks of a good size: each chunk costs a turn of the pipe. */
class ChunkBuilder {
  readonly #full: Uint8Array[] = [];
  /** Chunks that have been written and come back. */
  readonly #spare: Buffer<ArrayBuffer>[] = [];
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
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
    const full = this.#chunk;
    wantBack(full, () => this.#spare.push(full));
    this.#full.push(full);
    this.#chunk = this.#spare.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
    this.#filled = 0;
  }
}

function checked(path: BytePath, expected: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === expected) return bytes;
  const name = pathText(path);
  throw new SandboxError(
    'data-loss',
    `${name} in the snapshot has ${bytes.length} bytes where its tree says ${expected}`,
    { details: { object: name } },
  );
}
