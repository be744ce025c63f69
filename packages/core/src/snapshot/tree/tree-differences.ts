import type { Call } from '../../contract/call.ts';
import { type BytePath, joinPath } from '../../manifest/byte-path.ts';
import type { ObjectId, TreeEntry } from '../format/tree-node.ts';
import type { ObjectReader } from '../repository/object-reader.ts';
import { readNode } from './walk-tree.ts';

/** A tree, and what reads it. */
export interface ReadableTree {
  readonly tree: ObjectId;
  readonly reader: ObjectReader;
}

/** A path at which two trees differ, and what is there in each. */
export interface TreeDifference {
  readonly path: BytePath;
  readonly was?: TreeEntry;
  readonly is?: TreeEntry;
}

/** Every path at which two trees differ, a directory before what is in it. Equal directories are not read. */
export function treeDifferences(
  before: ReadableTree,
  after: ReadableTree,
  call: Call,
): AsyncGenerator<TreeDifference, void> {
  const entriesOf = async (
    reader: ObjectReader,
    id: ObjectId | undefined,
  ): Promise<ReadonlyMap<string, TreeEntry>> => {
    const entries = id === undefined ? [] : await readNode(reader, id);
    return new Map(entries.map((entry) => [entry.name, entry]));
  };
  async function* compare(
    path: BytePath,
    left: ObjectId | undefined,
    right: ObjectId | undefined,
  ): AsyncGenerator<TreeDifference, void> {
    if (left === right) return;
    call.signal.throwIfAborted();
    const [lefts, rights] = [
      await entriesOf(before.reader, left),
      await entriesOf(after.reader, right),
    ];
    for (const name of [...new Set([...lefts.keys(), ...rights.keys()])].toSorted()) {
      const [was, is] = [lefts.get(name), rights.get(name)];
      const at = joinPath(path, name);
      if (!was || !is || !sameEntry(was, is)) {
        yield { path: at, ...(was ? { was } : {}), ...(is ? { is } : {}) };
      }
      yield* compare(at, directoryId(was), directoryId(is));
    }
  }
  return compare('', before.tree, after.tree);
}

function directoryId(entry: TreeEntry | undefined): ObjectId | undefined {
  return entry?.type === 'directory' ? entry.id : undefined;
}

/** What is in a directory is compared by itself. */
function sameEntry(was: TreeEntry, is: TreeEntry): boolean {
  if (was.type === 'directory' && is.type === 'directory') return was.mode === is.mode;
  return JSON.stringify(was) === JSON.stringify(is);
}
