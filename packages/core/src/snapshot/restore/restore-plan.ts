import type { Call } from '../../contract/call.ts';
import type { RestoreLimits, Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import { pathText } from '../../manifest/byte-path.ts';
import type { PathFacts } from '../format/snapshot-index.ts';
import type { TreeEntry } from '../format/tree-node.ts';
import type { IndexChain, ObjectLocation } from '../repository/index-chain.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { walkTree } from '../tree/walk-tree.ts';

type Entry<Type extends TreeEntry['type']> = Extract<TreeEntry, { type: Type }>;

/** One entry of a kind, and its path. */
export interface Planned<Type extends TreeEntry['type']> {
  readonly path: BytePath;
  readonly entry: Entry<Type>;
}

/** Everything in a snapshot, checked against limits and itself, in the order in which it is best written. */
export interface RestorePlan {
  /** Each before what is in it. */
  readonly directories: readonly Planned<'directory'>[];
  /** In the order in which their contents are stored. */
  readonly files: readonly Planned<'file'>[];
  readonly symlinks: readonly Planned<'symlink'>[];
  readonly hardlinks: readonly Planned<'hardlink'>[];
  readonly facts: ReadonlyMap<BytePath, PathFacts>;
  readonly bytes: number;
}

const defaultLimits = { maxBytes: 64 * 1024 ** 3, maxEntries: 4_000_000 };

/** Reads a snapshot's whole tree, and no contents. */
export async function planRestore(
  snapshot: Snapshot,
  chain: IndexChain,
  reader: ObjectReader,
  limits: RestoreLimits,
  call: Call,
): Promise<RestorePlan> {
  const { maxBytes = defaultLimits.maxBytes, maxEntries = defaultLimits.maxEntries } = limits;
  const directories: Planned<'directory'>[] = [];
  const files: Planned<'file'>[] = [];
  const symlinks: Planned<'symlink'>[] = [];
  const hardlinks: Planned<'hardlink'>[] = [];
  let bytes = 0;
  for await (const { path, entry } of walkTree(reader, snapshot.tree, call, maxEntries)) {
    if (entry.type === 'directory') directories.push({ path, entry });
    else if (entry.type === 'symlink') symlinks.push({ path, entry });
    else if (entry.type === 'hardlink') hardlinks.push({ path, entry });
    else {
      bytes += entry.size;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      files.push({ path, entry });
    }
  }
  checkHardlinks(files, hardlinks);
  return {
    directories,
    files: inStoredOrder(files, reader),
    symlinks,
    hardlinks,
    facts: chain.facts(),
    bytes,
  };
}

function checkHardlinks(
  files: readonly Planned<'file'>[],
  hardlinks: readonly Planned<'hardlink'>[],
): void {
  const known = new Set(hardlinks.length === 0 ? [] : files.map(({ path }) => path));
  const wrong = hardlinks.find(({ path, entry }) => entry.first >= path || !known.has(entry.first));
  if (wrong === undefined) return;
  const name = pathText(wrong.path);
  throw new SandboxError(
    'data-loss',
    `the snapshot's tree is damaged: ${name} is one more name of ${pathText(wrong.entry.first)}, which is no file before it`,
    { details: { object: name } },
  );
}

/** So that each frame of the store is read once, one after another. */
function inStoredOrder(
  files: readonly Planned<'file'>[],
  reader: ObjectReader,
): readonly Planned<'file'>[] {
  const packs = new Map<string, number>();
  const rank = (location: ObjectLocation | undefined): readonly [number, number, number] => {
    if (location === undefined) return [-1, 0, 0];
    const pack = packs.get(location.pack) ?? packs.size;
    packs.set(location.pack, pack);
    return [pack, location.offset, location.at];
  };
  return files
    .map((file) => {
      const { contents } = file.entry;
      const place = contents.kind === 'empty' ? undefined : reader.locate(contents.id);
      return { file, rank: rank(place) };
    })
    .toSorted(({ rank: a }, { rank: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
    .map(({ file }) => file);
}

function tooLarge(limit: number): SandboxError {
  return new SandboxError(
    'resource-exhausted',
    `the snapshot has over ${limit} bytes, the most that is taken; raise limits.maxBytes`,
    { retryable: false, details: { limit: 'maxBytes' } },
  );
}
