import type { SnapshotStore, StoreOptions } from '../../contract/snapshot-store.ts';
import { concatBytes } from '../../process/byte-source.ts';

/** Bytes per chunk of what is handed to a store. */
const chunkBytes = 1024 * 1024;

/** Puts bytes that are in memory. */
export function putBytes(
  store: SnapshotStore,
  key: string,
  parts: readonly Uint8Array[],
  options: StoreOptions,
): Promise<boolean> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return store.put(key, ReadableStream.from(pieces(parts)), { ...options, size, ifAbsent: true });
}

/** An object, or a part of it, whole in memory. */
export async function getBytes(
  store: SnapshotStore,
  key: string,
  options: StoreOptions,
  range?: { readonly offset: number; readonly length: number },
): Promise<Buffer> {
  const stream = await store.get(key, range === undefined ? options : { ...options, range });
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const [first, ...rest] = chunks;
  const bytes = first !== undefined && rest.length === 0 ? first : concatBytes(chunks);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function* pieces(parts: readonly Uint8Array[]): Generator<Uint8Array, void> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += chunkBytes) yield part.subarray(at, at + chunkBytes);
  }
}
