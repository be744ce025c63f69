import type { Call } from '../../contract/call.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { ByteParser, ByteWriter } from '../format/bytes.ts';
import { openDocument, sealDocument } from '../format/sealed-document.ts';
import { idBytes, type ObjectId } from '../format/tree-node.ts';
import type { ObjectLocation } from './index-chain.ts';
import { type Repository, storeKeys } from './repository.ts';
import { getBytes, putBytes } from './store-access.ts';

const movesMagic = 'GMV1';

/** Where pruning has put what was still used of a pack that it removed; empty where it has moved nothing. */
export async function readMoves(
  repository: Repository,
  pack: ObjectId,
  call: Call,
): Promise<ReadonlyMap<ObjectId, ObjectLocation>> {
  const name = `the moves of pack ${pack}`;
  let stored: Buffer;
  try {
    stored = await getBytes(repository.store, storeKeys.move(pack), call);
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'not-found') return new Map();
    throw error;
  }
  const body = await openDocument(repository.codec, movesMagic, stored, name);
  const parser = new ByteParser(body, name);
  const moves = new Map<ObjectId, ObjectLocation>();
  while (!parser.ended) {
    const object = parser.raw(idBytes).toString('hex');
    const target = parser.raw(idBytes).toString('hex');
    const [offset, stored, raw] = [parser.number(), parser.number(), parser.number()];
    const [at, size] = [parser.number(), parser.number()];
    moves.set(object, { pack: target, offset, stored, raw, at, size });
  }
  return moves;
}

/** Tells readers where the objects of a pack are from now on. Written before the pack is removed. */
export async function writeMoves(
  repository: Repository,
  pack: ObjectId,
  moves: ReadonlyMap<ObjectId, ObjectLocation>,
  call: Call,
): Promise<void> {
  const writer = new ByteWriter();
  for (const [object, { pack: target, offset, stored, raw, at, size }] of moves) {
    writer.raw(Buffer.from(object, 'hex'));
    writer.raw(Buffer.from(target, 'hex'));
    for (const value of [offset, stored, raw, at, size]) writer.number(value);
  }
  const document = await sealDocument(repository.codec, movesMagic, writer.finish());
  await putBytes(repository.store, storeKeys.move(pack), [document], { signal: call.signal });
}
