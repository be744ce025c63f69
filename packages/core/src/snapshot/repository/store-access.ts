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
  return wholeOf(stream);
}

/**
 * A part of an object, read into `place`, which is the returned buffer's from then on, where the store's stream can be read so
 * (mode `byob`); else in memory of its own. `place` must have room for all of it.
 */
export async function getBytesInto(
  place: ArrayBuffer,
  store: SnapshotStore,
  key: string,
  options: StoreOptions,
  range: { readonly offset: number; readonly length: number },
): Promise<{ readonly bytes: Buffer; readonly place?: ArrayBuffer }> {
  const stream = await store.get(key, { ...options, range });
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { bytes: await wholeOf(stream) };
  }
  let [room, filled] = [place, 0];
  while (filled < range.length) {
    const view = new Uint8Array(room, filled, range.length - filled);
    const { done, value } = await reader.read(view);
    if (value) room = value.buffer;
    if (done) break;
    filled += value.length;
  }
  await reader.cancel();
  return { bytes: Buffer.from(room, 0, filled), place: room };
}

async function wholeOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
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
