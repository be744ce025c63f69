import type { Call } from '../../contract/call.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { joinPath } from '../../manifest/byte-path.ts';
import { decodeTreeNode, type ObjectId, type TreeEntry } from '../format/tree-node.ts';
import type { ObjectReader } from '../repository/object-reader.ts';

/** One entry of a tree, and its path from the tree's root: a latin1 string, one character for each byte. */
export interface TreeItem {
  readonly path: string;
  readonly entry: TreeEntry;
}

/** Most entries that a walk gives; a few nodes can stand for a tree without end. */
const defaultMaxEntries = 4_000_000;

/**
 * Every entry of a tree, a directory before what is in it, names in the order of their bytes. More entries than allowed are
 * `resource-exhausted`.
 */
export async function* walkTree(
  reader: ObjectReader,
  root: ObjectId,
  call: Call,
  maxEntries: number = defaultMaxEntries,
): AsyncGenerator<TreeItem, void> {
  const pending: { path: string; entries: readonly TreeEntry[]; next: number }[] = [];
  const open = async (path: string, id: ObjectId): Promise<void> => {
    pending.push({ path, entries: await readNode(reader, id), next: 0 });
  };
  await open('', root);
  let count = 0;
  for (let level = pending.at(-1); level; level = pending.at(-1)) {
    const entry = level.entries[level.next];
    level.next += 1;
    if (entry === undefined) {
      pending.pop();
      continue;
    }
    count += 1;
    if (count > maxEntries) {
      throw new SandboxError(
        'resource-exhausted',
        `the snapshot has over ${maxEntries} entries, the most that is taken`,
        { retryable: false, details: { limit: 'maxEntries' } },
      );
    }
    const path = joinPath(level.path, entry.name);
    yield { path, entry };
    if (entry.type === 'directory') {
      call.signal.throwIfAborted();
      await open(path, entry.id);
    }
  }
}

/** The entries of one directory. */
export async function readNode(reader: ObjectReader, id: ObjectId): Promise<readonly TreeEntry[]> {
  return decodeTreeNode(await reader.read(id), `tree ${id}`);
}
