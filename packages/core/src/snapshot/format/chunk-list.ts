import { ByteParser, ByteWriter } from './bytes.ts';
import { idBytes, type ObjectId } from './tree-node.ts';

/** One piece of a large file. */
export interface ChunkReference {
  readonly id: ObjectId;
  readonly size: number;
}

const magic = 'GCL1';

/** The one encoding of the pieces of a large file, in order. */
export function encodeChunkList(chunks: readonly ChunkReference[]): Buffer {
  const writer = new ByteWriter();
  writer.raw(Buffer.from(magic, 'latin1'));
  for (const { id, size } of chunks) {
    writer.number(size);
    writer.raw(Buffer.from(id, 'hex'));
  }
  return writer.finish();
}

/** The pieces of a large file; they must add up to its size, else `data-loss`. */
export function decodeChunkList(
  bytes: Uint8Array,
  size: number,
  object: string,
): readonly ChunkReference[] {
  const parser = new ByteParser(bytes, object);
  parser.magic(magic);
  const chunks: ChunkReference[] = [];
  let total = 0;
  while (!parser.ended) {
    const length = parser.number();
    if (length === 0) throw parser.damaged('a piece in it is empty');
    total += length;
    chunks.push({ size: length, id: parser.raw(idBytes).toString('hex') });
  }
  if (total !== size) throw parser.damaged(`its pieces add up to ${total} bytes, not ${size}`);
  return chunks;
}
