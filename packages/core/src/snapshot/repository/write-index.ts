import type { Call } from '../../contract/call.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import {
  type CompareSource,
  type IndexFrame,
  longestChain,
  type PathFacts,
} from '../format/snapshot-index.ts';
import type { PackedObject } from '../format/pack.ts';
import type { IndexChain, ObjectLocation } from './index-chain.ts';
import type { WrittenObjects } from './object-writer.ts';
import type { Repository } from './repository.ts';

/** What is new in a snapshot. */
export interface IndexContents {
  readonly objects: WrittenObjects;
  readonly source: CompareSource;
  /** Of paths that differ from the parent, or of all. */
  readonly facts: ReadonlyMap<BytePath, PathFacts>;
  /** Paths of the parent that are gone; `rest` stands for all that have no facts here. */
  readonly removed: ReadonlySet<BytePath> | 'rest';
}

/** Writes the index of a snapshot as a delta on its parent's; a chain that gets too long is written as one. */
export async function writeIndexOf(
  repository: Repository,
  parent: IndexChain | undefined,
  contents: IndexContents,
  call: Call,
): ReturnType<Repository['writeIndex']> {
  const { objects, source, facts } = contents;
  if (!parent) {
    return repository.writeIndex(
      { depth: 0, source, ...objects, facts, removed: [] },
      undefined,
      call,
    );
  }
  const rest = contents.removed === 'rest' ? parent.facts() : undefined;
  if (parent.document.depth + 1 < longestChain) {
    const gone: Iterable<BytePath> = contents.removed === 'rest' ? [] : contents.removed;
    const removed = rest ? [...rest.keys()].filter((path) => !facts.has(path)) : [...gone];
    const depth = parent.document.depth + 1;
    const document = { parent: parent.id, depth, source, ...objects, facts, removed };
    return repository.writeIndex(document, parent, call);
  }
  const all = rest ? new Map<BytePath, PathFacts>() : parent.facts();
  if (contents.removed !== 'rest') for (const path of contents.removed) all.delete(path);
  for (const [path, known] of facts) all.set(path, known);
  const merged = mergeLocations(parent, objects);
  return repository.writeIndex(
    { depth: 0, source, ...merged, facts: all, removed: [] },
    undefined,
    call,
  );
}

function mergeLocations(parent: IndexChain, added: WrittenObjects): WrittenObjects {
  const packs = [...added.packs];
  const frames: IndexFrame[] = [...added.frames];
  const objects: PackedObject[] = [...added.objects];
  const known = new Set(objects.map(({ id }) => id));
  const packNumbers = new Map(packs.map((pack, number) => [pack, number]));
  const frameNumbers = new Map<string, number>();
  const packNumber = (pack: string): number => {
    const number = packNumbers.get(pack) ?? packs.push(pack) - 1;
    packNumbers.set(pack, number);
    return number;
  };
  const frameNumber = ({ pack, offset, stored, raw }: ObjectLocation): number => {
    const key = `${pack}/${offset}`;
    const number =
      frameNumbers.get(key) ?? frames.push({ pack: packNumber(pack), offset, stored, raw }) - 1;
    frameNumbers.set(key, number);
    return number;
  };
  // The newest place of an object counts: the older one may have been pruned.
  for (const [id, location] of [...parent.locations()].toReversed()) {
    if (known.has(id)) continue;
    known.add(id);
    objects.push({ id, frame: frameNumber(location), at: location.at, size: location.size });
  }
  return { packs, frames, objects };
}
