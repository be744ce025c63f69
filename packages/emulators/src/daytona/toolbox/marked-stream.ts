/**
 * Cuts a stream of bytes at every occurrence of a marker. What may be the beginning of one is held back until
 * that is certain.
 */
export class MarkedStream {
  readonly #marker: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(marker: Buffer) {
    this.#marker = marker;
  }

  /** The pieces that are certain by now; `marker` stands for an occurrence. */
  push(chunk: Uint8Array): readonly (Buffer | 'marker')[] {
    const pieces: (Buffer | 'marker')[] = [];
    let rest = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : Buffer.from(chunk);
    for (let at = rest.indexOf(this.#marker); at >= 0; at = rest.indexOf(this.#marker)) {
      if (at > 0) pieces.push(rest.subarray(0, at));
      pieces.push('marker');
      rest = rest.subarray(at + this.#marker.length);
    }
    const held = this.#beginning(rest);
    if (held < rest.length) pieces.push(rest.subarray(0, rest.length - held));
    this.#held = rest.subarray(rest.length - held);
    return pieces;
  }

  /** What is held back, once nothing more comes that could make a marker of it. */
  rest(): Buffer {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return rest;
  }

  /** How many bytes at the end are a beginning of the marker. */
  #beginning(bytes: Buffer): number {
    const most = Math.min(bytes.length, this.#marker.length - 1);
    for (let length = most; length > 0; length -= 1) {
      if (bytes.subarray(bytes.length - length).equals(this.#marker.subarray(0, length))) {
        return length;
      }
    }
    return 0;
  }
}
