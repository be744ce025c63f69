/** Longest part of a text that decides where to look; more brings little. */
const longestWindow = 64;

/**
 * Finds whether any of some byte strings, of two bytes at least each, is in others: in one pass, whose cost hardly grows with how
 * many are looked for (S. Wu and U. Manber, "A fast algorithm for multi-pattern searching", 1994).
 */
export class ByteSearch {
  /** Pair of bytes -> how far ahead a match may end at the earliest. */
  readonly #skip: Uint8Array = new Uint8Array(1 << 16);
  /** Pair of bytes that ends the window -> what begins with such a window. */
  readonly #ending = new Map<number, Buffer[]>();
  readonly #window: number;

  constructor(needles: readonly Buffer[]) {
    this.#window = Math.min(longestWindow, ...needles.map(({ length }) => length));
    this.#skip.fill(Math.max(1, this.#window - 1));
    for (const needle of needles) {
      for (let at = 0; at + 1 < this.#window; at += 1) {
        const pair = needle.readUInt16LE(at);
        this.#skip[pair] = Math.min(this.#skip[pair] ?? 0, this.#window - 2 - at);
      }
      const end = needle.readUInt16LE(this.#window - 2);
      this.#ending.set(end, [...(this.#ending.get(end) ?? []), needle]);
    }
  }

  isIn(bytes: Uint8Array): boolean {
    const skip = this.#skip;
    const last = bytes.length - 1;
    // Indexes are within bounds; the other halves only please the compiler.
    for (let at = this.#window - 2; at < last;) {
      const pair = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
      const ahead = skip[pair] ?? 1;
      if (ahead === 0 && this.#matches(bytes, at - (this.#window - 2), pair)) return true;
      at += ahead === 0 ? 1 : ahead;
    }
    return false;
  }

  #matches(bytes: Uint8Array, from: number, pair: number): boolean {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return (this.#ending.get(pair) ?? []).some(
      (needle) =>
        text.compare(
          needle,
          0,
          needle.length,
          from,
          Math.min(text.length, from + needle.length),
        ) === 0,
    );
  }
}
