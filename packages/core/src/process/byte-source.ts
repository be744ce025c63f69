import type { InputSource } from '../contract/sandbox.ts';

const encoder = new TextEncoder();

/** The bytes of any input, chunk by chunk; text is UTF-8. Empty chunks are left out. */
export async function* bytesOf(source: InputSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    const bytes = typeof source === 'string' ? encoder.encode(source) : source;
    if (bytes.length > 0) yield bytes;
    return;
  }
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : chunk;
    if (bytes.length > 0) yield bytes;
  }
}

/** All bytes of a source in one array. */
export async function readAll(source: InputSource): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytesOf(source)) chunks.push(chunk);
  return concatBytes(chunks);
}

/** One array of several. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}
