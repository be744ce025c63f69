import type { Call } from '../../contract/call.ts';
import { ancestors, type BytePath } from '../../manifest/byte-path.ts';
import type { TreeEntry } from '../format/tree-node.ts';
import { type ReadableTree, type TreeDifference, treeDifferences } from './tree-differences.ts';
import type { TreeEditor } from './tree-editor.ts';

/** What came of two trees that were changed apart from each other. */
export interface TreeMerge {
  /** What was done to the editor's tree, a directory before what is in it. */
  readonly changes: readonly TreeDifference[];
  /** Paths of which both say something, and not the same. Where there are any, the editor's tree is of no use. */
  readonly conflicts: readonly BytePath[];
}

/**
 * Does to `ours`, which `editor` starts from, what was done from `base` to `theirs`. A path that only one side changed is as
 * that side has it, and one that both changed in the same way is as both have it; anything else is a conflict. A directory that
 * one side removed stays where the other put something in it.
 */
export async function mergeTrees(
  base: ReadableTree,
  ours: ReadableTree,
  theirs: ReadableTree,
  editor: TreeEditor,
  call: Call,
): Promise<TreeMerge> {
  const own = new Map<BytePath, TreeDifference>();
  const holding = new Set<BytePath>(); // Directories in which we have put or changed something.
  for await (const difference of treeDifferences(base, ours, call)) {
    own.set(difference.path, difference);
    if (difference.is) for (const directory of ancestors(difference.path)) holding.add(directory);
  }
  const changes: TreeDifference[] = [];
  const conflicts = new Set<BytePath>();
  for await (const difference of treeDifferences(base, theirs, call)) {
    const { path, was, is } = difference;
    const mine = own.get(path);
    if (mine) {
      if (!agree(mine, difference)) conflicts.add(path);
      continue;
    }
    const inTheWay = is && ancestors(path).find((directory) => isOther(own.get(directory)?.is));
    if (inTheWay !== undefined) {
      conflicts.add(inTheWay);
      continue;
    }
    if (was?.type === 'directory' && is?.type !== 'directory' && holding.has(path)) {
      if (is) conflicts.add(path);
      continue;
    }
    changes.push(difference);
    await change(editor, path, is);
  }
  for (const { path, is } of [...changes, ...own.values()]) {
    if (is?.type !== 'hardlink') continue;
    // One side took away, or joined to another file, what the other side has given one more name.
    if ((await editor.get(is.first))?.type !== 'file') conflicts.add(path);
  }
  return { changes, conflicts: [...conflicts].toSorted() };
}

async function change(
  editor: TreeEditor,
  path: BytePath,
  entry: TreeEntry | undefined,
): Promise<void> {
  if (!entry) {
    await editor.remove(path);
    return;
  }
  const { name: _name, ...body } = entry;
  await editor.set(path, body.type === 'directory' ? { type: body.type, mode: body.mode } : body);
}

/** Whether two changes of one path leave the same. Of a directory that both made, ours has the say of its mode. */
function agree({ is: mine }: TreeDifference, { was, is }: TreeDifference): boolean {
  if (mine?.type === 'directory' && is?.type === 'directory') return !was || mine.mode === is.mode;
  return JSON.stringify(mine) === JSON.stringify(is);
}

function isOther(entry: TreeEntry | undefined): boolean {
  return entry !== undefined && entry.type !== 'directory';
}
