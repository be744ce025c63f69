import type { Call } from '../../contract/call.ts';
import type { ObjectId } from '../format/tree-node.ts';
import type { ObjectLocation } from '../repository/index-chain.ts';
import { writeMoves } from '../repository/moves.ts';
import { PackWriter } from '../repository/pack-writer.ts';
import type { Repository } from '../repository/repository.ts';
import type { LiveObjects } from './live-objects.ts';

/** Writes what is still needed of a pack into new ones, and tells readers where it is. The pack itself stays. */
export async function repack(
  repository: Repository,
  pack: ObjectId,
  live: LiveObjects,
  call: Call,
): Promise<void> {
  const moves = new Map<ObjectId, ObjectLocation>();
  const writer = new PackWriter(repository, call, ({ id, frames, objects }) => {
    for (const { id: object, frame, at, size } of objects) {
      const found = frames[frame];
      if (found) moves.set(object, { pack: id, ...found, at, size });
    }
  });
  for (const object of live.packs.get(pack)?.objects ?? []) {
    await writer.add(object, await live.reader.read(object));
  }
  await writer.finish();
  await writeMoves(repository, pack, moves, call);
}
