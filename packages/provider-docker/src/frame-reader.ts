/**
 * Takes apart the daemon's framing of one connection: 8 bytes (1 or 2 for the stream, three zeros, the length in
 * big endian), then the bytes (Docker Engine API, "Attach to a container", stream format).
 */
export class FrameReader {
  readonly #give: (stream: 1 | 2, bytes: Buffer, whole: number | undefined) => void;
  #header: Buffer = Buffer.alloc(0);
  #stream: 1 | 2 = 1;
  #left = 0;
  #length = 0;

  /** `whole` comes with the last bytes of a frame: its length. */
  constructor(give: (stream: 1 | 2, bytes: Buffer, whole: number | undefined) => void) {
    this.#give = give;
  }

  push(chunk: Buffer): void {
    let bytes = chunk;
    while (bytes.length > 0) {
      if (this.#left > 0) {
        const part = bytes.subarray(0, this.#left);
        bytes = bytes.subarray(part.length);
        this.#left -= part.length;
        this.#give(this.#stream, part, this.#left === 0 ? this.#length : undefined);
        continue;
      }
      const missing = 8 - this.#header.length;
      this.#header = Buffer.concat([this.#header, bytes.subarray(0, missing)]);
      bytes = bytes.subarray(missing);
      if (this.#header.length < 8) return;
      this.#stream = this.#header[0] === 2 ? 2 : 1;
      this.#length = this.#left = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
    }
  }
}
