/** Streams whose write resolves when nobody needs the chunk's memory any more. */
const prompt = new WeakSet<WritableStream<Uint8Array>>();
/** What becomes of chunks whose makers want their memory back. */
const makers = new WeakMap<Uint8Array, () => void>();

/** Says of a stream of this package that its write resolves when the kernel, or whoever else takes the bytes, has copied them. */
export function markPrompt(stream: WritableStream<Uint8Array>): WritableStream<Uint8Array> {
  prompt.add(stream);
  return stream;
}

/**
 * Has `onTaken` called once a chunk has been written where nobody needs its memory any more. Where that cannot be told, it is
 * never called: the chunk is the collector's.
 */
export function wantBack(chunk: Uint8Array, onTaken: () => void): void {
  makers.set(chunk, onTaken);
}

/** Gives a chunk back, which has been written to that stream. */
export function giveBack(chunk: Uint8Array, stream: WritableStream<Uint8Array>): void {
  if (!prompt.has(stream)) return;
  const maker = makers.get(chunk);
  makers.delete(chunk);
  maker?.();
}
