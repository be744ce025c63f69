/** Longest line that may follow a key. */
const longestLine = 64;

/**
 * Finds lines that start with an unguessable key in a stream of arbitrary bytes. What is not part of one is
 * passed on at once, but for the few last bytes that may be a key's beginning.
 */
export class KeyScanner {
  readonly #key: Buffer;
  readonly #pass: (bytes: Uint8Array) => void;
  readonly #found: (line: string) => void;
  #held: Buffer = Buffer.alloc(0);

  constructor(key: string, pass: (bytes: Uint8Array) => void, found: (line: string) => void) {
    this.#key = Buffer.from(key, 'latin1');
    this.#pass = pass;
    this.#found = found;
  }

  push(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    for (;;) {
      const start = bytes.indexOf(this.#key);
      if (start === -1) {
        const kept = this.#beginningAtEnd(bytes);
        this.#give(bytes.subarray(0, bytes.length - kept));
        this.#held = Buffer.from(bytes.subarray(bytes.length - kept));
        return;
      }
      this.#give(bytes.subarray(0, start));
      const rest = bytes.subarray(start + this.#key.length);
      const end = rest.indexOf(0x0a);
      if (end === -1 && rest.length <= longestLine) {
        this.#held = Buffer.from(bytes.subarray(start));
        return;
      }
      const line = end === -1 || end > longestLine ? '' : rest.toString('latin1', 0, end);
      bytes = rest.subarray(end + 1);
      this.#found(line.replace(/\r$/, ''));
      if (bytes.length === 0) return;
    }
  }

  /** Passes on what was held back: nothing more comes. */
  flush(): void {
    this.#give(this.#held);
    this.#held = Buffer.alloc(0);
  }

  #give(bytes: Buffer): void {
    if (bytes.length > 0) this.#pass(bytes);
  }

  /** How many of the last bytes are the beginning of the key. */
  #beginningAtEnd(bytes: Buffer): number {
    for (let length = Math.min(this.#key.length - 1, bytes.length); length > 0; length--) {
      if (bytes.subarray(bytes.length - length).equals(this.#key.subarray(0, length)))
        return length;
    }
    return 0;
  }
}
