import type { Call, OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { type BytePath, pathText } from '../../manifest/byte-path.ts';
import { operate } from '../../provider/operate.ts';
import { decodeChunkList } from '../format/chunk-list.ts';
import type { PathFacts } from '../format/snapshot-index.ts';
import type { TreeEntry } from '../format/tree-node.ts';
import { requireWhole } from '../capture/require-whole.ts';
import type { IndexChain } from '../repository/index-chain.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import { ObjectWriter } from '../repository/object-writer.ts';
import { openRepository } from '../repository/open-repository.ts';
import type { Repository } from '../repository/repository.ts';
import { writeIndexOf } from '../repository/write-index.ts';
import { mergeTrees } from '../tree/merge-trees.ts';
import type { TreeDifference } from '../tree/tree-differences.ts';
import { TreeEditor } from '../tree/tree-editor.ts';
import { lastPruning } from './prune-lock.ts';

/** Snapshots of one store, by their ids. */
export interface MergeSides {
  /** What both others were made from. */
  readonly base: string;
  readonly ours: string;
  /** What is done to `ours`. */
  readonly theirs: string;
}

/** A merge. */
export interface MergedSnapshot {
  /** Has both sides' changes. Absent where the sides conflict; `ours` itself where there was nothing to do. */
  readonly snapshot?: Pick<Snapshot, 'id' | 'tree'>;
  /** How many paths of `ours` are different in it. */
  readonly changes: number;
  /** Written like the paths of `diffSnapshots`. */
  readonly conflicts: readonly string[];
}

interface Side {
  readonly snapshot: Snapshot;
  readonly chain: IndexChain;
  readonly tree: string;
  readonly reader: ObjectReader;
}

/** Does to a snapshot what was done between two others, by their contents alone: no sandbox takes part. */
export function mergeSnapshots(
  sides: MergeSides,
  store: SnapshotStore,
  options: OperationOptions = {},
): Promise<MergedSnapshot> {
  return operate({ operation: 'merge' }, options, async (call) => {
    const repository = await openRepository(store, call);
    const pruned = await lastPruning(store, call);
    const open = (id: string): Promise<Side> => openSide(repository, id, call);
    const [base, ours, theirs] = [
      await open(sides.base),
      await open(sides.ours),
      await open(sides.theirs),
    ];
    const { reader, tree } = ours;
    const editor = new TreeEditor({ reader, tree, contents: ours.snapshot.contents });
    const { changes, conflicts } = await mergeTrees(base, ours, theirs, editor, call);
    if (conflicts.length > 0) return { changes: 0, conflicts: conflicts.map(pathText) };
    if (changes.length === 0) return { snapshot: ours.snapshot, changes: 0, conflicts: [] };
    // Nothing happened on our side meanwhile: theirs is what both have.
    if (ours.tree === base.tree) {
      return { snapshot: theirs.snapshot, changes: changes.length, conflicts: [] };
    }
    const writer = new ObjectWriter(repository, ours.chain, call);
    for (const { is } of changes) await copyContents(is, theirs.reader, writer);
    await writer.endContents();
    const merged = await editor.commit(writer);
    const objects = await writer.finish();
    const contents = { objects, source: { kind: 'none' }, ...timesOf(changes, theirs) } as const;
    const index = await writeIndexOf(repository, ours.chain, contents, call);
    const { notCaptured, skipped, changing, plan } = ours.snapshot;
    const { snapshot } = await repository.writeSnapshot(
      {
        spec: 'gantry-snapshot/1',
        tree: merged,
        index: index.chain.id,
        parent: ours.snapshot.id,
        ...(plan === undefined ? {} : { plan }),
        takenAt: Date.now(),
        evidence: 'bytes',
        contents: editor.contents,
        ...{ notCaptured, skipped, changing },
      },
      call,
    );
    await requireWhole(repository, snapshot, pruned, call);
    return { snapshot, changes: changes.length, conflicts: [] };
  });
}

async function openSide(repository: Repository, id: string, call: Call): Promise<Side> {
  const snapshot = await repository.readSnapshot(id, call);
  const chain = await repository.readIndex(snapshot.index, call);
  const { tree } = snapshot;
  return { snapshot, chain, tree, reader: new ObjectReader(repository, chain, call) };
}

/** Puts what a file consists of where the index of the merge will find it. */
async function copyContents(
  entry: TreeEntry | undefined,
  reader: ObjectReader,
  writer: ObjectWriter,
): Promise<void> {
  if (entry?.type !== 'file' || entry.contents.kind === 'empty') return;
  const { kind, id } = entry.contents;
  const bytes = await reader.read(id);
  if (kind === 'list') {
    for (const piece of decodeChunkList(bytes, entry.size, `chunk list ${id}`)) {
      await writer.put(await reader.read(piece.id));
    }
  }
  await writer.put(bytes);
}

/** When what is taken over was changed there. What a listing says of it is true of that sandbox alone. */
function timesOf(
  changes: readonly TreeDifference[],
  { chain }: Side,
): { readonly facts: Map<BytePath, PathFacts>; readonly removed: Set<BytePath> } {
  const known = chain.facts();
  const facts = new Map<BytePath, PathFacts>();
  const removed = new Set<BytePath>();
  for (const { path, is } of changes) {
    if (!is) removed.add(path);
    else facts.set(path, { modifiedNs: known.get(path)?.modifiedNs ?? 0n, state: '' });
  }
  return { facts, removed };
}
