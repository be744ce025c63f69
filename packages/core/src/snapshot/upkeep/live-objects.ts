import type { Call } from '../../contract/call.ts';
import type { Snapshot } from '../../contract/snapshot-types.ts';
import type { ObjectId } from '../format/tree-node.ts';
import type { IndexChain } from '../repository/index-chain.ts';
import { ObjectReader } from '../repository/object-reader.ts';
import type { Repository } from '../repository/repository.ts';
import { neededObjects } from './reachable.ts';

/** What is needed of one pack. */
interface LivePack {
  /** Objects that some snapshot needs. */
  readonly objects: Set<ObjectId>;
  /** Plain bytes of these, and of all that the indexes know to be in it. */
  bytes: number;
  total: number;
}

/** What some snapshots need of a store. */
export interface LiveObjects {
  readonly packs: ReadonlyMap<ObjectId, LivePack>;
  readonly indexes: ReadonlySet<ObjectId>;
  /** Packs that are gone and whose objects must be found by their moves. */
  readonly moves: ReadonlySet<ObjectId>;
  /** Where an object is now. */
  readonly reader: ObjectReader;
}

/** Everything that these snapshots need. Damage in a tree or a list is `data-loss`. */
export async function liveObjects(
  repository: Repository,
  snapshots: readonly Snapshot[],
  call: Call,
): Promise<LiveObjects> {
  const chains: IndexChain[] = [];
  const indexes = new Set<ObjectId>();
  for (const { index } of snapshots) {
    const chain = await repository.readIndex(index, call);
    chains.push(chain);
    for (const id of chain.ids()) indexes.add(id);
  }
  const locate = (id: ObjectId) => {
    for (const chain of chains) {
      const found = chain.locate(id);
      if (found) return found;
    }
    return undefined;
  };
  const reader = new ObjectReader(repository, { locate }, call);
  const packs = new Map<ObjectId, LivePack>();
  const moves = new Set<ObjectId>();
  const seen = new Set<ObjectId>();
  for (const [number, snapshot] of snapshots.entries()) {
    const chain = chains[number];
    if (!chain) continue;
    const own = new ObjectReader(repository, chain, call);
    const fail = (error: unknown): never => {
      throw error;
    };
    for await (const { id } of neededObjects(snapshot, own, seen, call, fail)) {
      const { location, moved } = await own.place(id);
      for (const pack of moved) moves.add(pack);
      const pack = packs.get(location.pack) ?? { objects: new Set(), bytes: 0, total: 0 };
      packs.set(location.pack, pack);
      pack.objects.add(id);
      pack.bytes += location.size;
    }
  }
  await addTotals(repository, packs, call);
  return { packs, indexes, moves, reader };
}

async function addTotals(
  repository: Repository,
  packs: ReadonlyMap<ObjectId, LivePack>,
  call: Call,
): Promise<void> {
  for (const [id, pack] of packs) {
    const { objects } = await repository.readPackList(id, call);
    pack.total = objects.reduce((sum, { size }) => sum + size, 0);
  }
}
