/** Longest line that may follow a key. */
const longestLine = 64;
/** A frame of a pipe that may have been full, and how long what follows it may take. */
const longFrameBytes = 4096;
const longFrameMs = 250;

/**
 * Finds lines that start with an unguessable key in a stream of arbitrary bytes. What is not part of one is
 * passed on at once, but for the few last bytes that may be a key's beginning: those once it is clear that no more is on its way.
 */
export class KeyScanner {
  readonly #key: Buffer;
  readonly #pass: (bytes: Uint8Array) => void;
  readonly #found: (line: string) => void;
  #held: Buffer = Buffer.alloc(0);
  /** How many of the bytes held were passed on already. */
  #passed = 0;

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
      this.#passed = 0;
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

  /**
   * A program that waits for an answer must not have the last bytes of its question kept back. A key is written at once, and a
   * pipe does not take apart what is so short unless it is full: then frames are long, and more comes with the next.
   */
  frameEnded(length: number): void {
    if (this.#held.length === 0) return;
    if (length < longFrameBytes) this.#release();
    else setTimeout(() => this.#release(), longFrameMs).unref();
  }

  /** Passes on what is held back. A key that goes on after it is found all the same. */
  #release(): void {
    if (this.#held.length >= this.#key.length) return;
    const { length } = this.#held;
    this.#give(this.#held);
    this.#passed = length;
  }

  /** Passes on what was held back: nothing more comes. */
  flush(): void {
    this.#give(this.#held);
    this.#held = Buffer.alloc(0);
  }

  #give(bytes: Buffer): void {
    const fresh = bytes.subarray(this.#passed);
    this.#passed -= bytes.length - fresh.length;
    if (fresh.length > 0) this.#pass(fresh);
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
