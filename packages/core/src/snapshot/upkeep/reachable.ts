import type { Call } from '../../contract/call.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { decodeChunkList } from '../format/chunk-list.ts';
import { decodeTreeNode, type ObjectId } from '../format/tree-node.ts';
import type { ObjectReader } from '../repository/object-reader.ts';

/** An object that a snapshot needs, and what it is called. */
export interface NeededObject {
  readonly id: ObjectId;
  readonly kind: 'tree' | 'list' | 'blob';
  /** Bytes that it must have, where that is known. */
  readonly size?: number;
}

/**
 * Every object that a snapshot needs and that is not in `seen` yet, which is added to it. Reads trees and lists, and no blobs.
 * An object that cannot be read goes to `onDamage`; what it names stays unknown.
 */
export async function* neededObjects(
  snapshot: Snapshot,
  reader: ObjectReader,
  seen: Set<ObjectId>,
  call: Call,
  onDamage: (error: SandboxError) => void,
): AsyncGenerator<NeededObject, void> {
  const pending: NeededObject[] = [{ id: snapshot.tree, kind: 'tree' }];
  for (let object = pending.pop(); object; object = pending.pop()) {
    if (seen.has(object.id)) continue;
    seen.add(object.id);
    call.signal.throwIfAborted();
    yield object;
    if (object.kind === 'blob') continue;
    try {
      for (const inner of namedIn(await reader.read(object.id), object)) pending.push(inner);
    } catch (error) {
      if (!SandboxError.is(error) || error.code !== 'data-loss') throw error;
      onDamage(error);
    }
  }
}

function namedIn(bytes: Buffer, { id, kind, size = 0 }: NeededObject): readonly NeededObject[] {
  if (kind === 'list') {
    const pieces = decodeChunkList(bytes, size, `list ${id}`);
    return pieces.map((piece) => ({ id: piece.id, kind: 'blob', size: piece.size }));
  }
  return decodeTreeNode(bytes, `tree ${id}`).flatMap((entry): NeededObject[] => {
    if (entry.type === 'directory') return [{ id: entry.id, kind: 'tree' }];
    if (entry.type !== 'file' || entry.contents.kind === 'empty') return [];
    return [{ id: entry.contents.id, kind: entry.contents.kind, size: entry.size }];
  });
}
