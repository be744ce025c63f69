/** Reads a stream of chunks in pieces of asked-for sizes, and holds no more than one piece and one chunk. */
export interface ByteReader extends AsyncDisposable {
  /** Exactly `size` bytes, or `undefined` at the end of the stream. Fewer at the end: also `undefined`. */
  take(size: number): Promise<Buffer | undefined>;
  /** Exactly `size` bytes where they are at hand, without copying; `undefined` where `take` has to wait for them. */
  takeNow(size: number): Buffer | undefined;
  /** At least one byte and at most `size`, without copying; `undefined` at the end. */
  some(size: number): Promise<Uint8Array | undefined>;
}

/** A reader over `source`. Disposing it ends the source. `onBytes` hears of every chunk's length. */
export function byteReader(
  source: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  async function some(size: number): Promise<Uint8Array | undefined> {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return undefined;
      onBytes(next.value.length);
      rest = next.value;
    }
    const piece = rest.subarray(0, size);
    rest = rest.subarray(piece.length);
    return piece;
  }

  return {
    some,
    takeNow(size) {
      if (rest.length < size) return undefined;
      const piece = Buffer.from(rest.buffer, rest.byteOffset, size);
      rest = rest.subarray(size);
      return piece;
    },
    async take(size) {
      const parts: Uint8Array[] = [];
      for (let left = size; left > 0;) {
        const part = await some(left);
        if (part === undefined) return undefined;
        parts.push(part);
        left -= part.length;
      }
      return Buffer.concat(parts);
    },
    async [Symbol.asyncDispose]() {
      await iterator.return?.();
    },
  };
}
