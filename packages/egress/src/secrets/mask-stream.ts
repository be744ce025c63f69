import { Transform, type TransformCallback } from 'node:stream';

/** Forms of secrets and what is shown in their place, the longest first. */
export type Masks = readonly (readonly [string, string])[];

/** A text with every form replaced. */
export function maskText(text: string, masks: Masks): string {
  return masks.reduce((result, [form, shown]) => result.replaceAll(form, () => shown), text);
}

/** Headers with every form replaced, in their names too, which HTTP/2 writes without capitals. */
export function maskHeaders(
  headers: readonly (readonly [string, string])[],
  masks: Masks,
): readonly (readonly [string, string])[] {
  const small = masks.map(([form, shown]) => [form.toLowerCase(), shown.toLowerCase()] as const);
  return headers.map(([name, value]) => {
    const lower = name.toLowerCase();
    const masked = maskText(lower, small);
    return [masked === lower ? name : masked, maskText(value, masks)] as const;
  });
}

/**
 * Replaces secrets in a stream of bytes, wherever chunks divide them. Only bytes that may be the beginning of a secret wait for the next
 * chunk, so that an event stream stays live. The length stays the same where the forms are of the same length.
 */
export class MaskStream extends Transform {
  readonly #masks: readonly (readonly [Buffer, Buffer])[];
  #held: Buffer = Buffer.alloc(0);

  constructor(masks: Masks) {
    super();
    this.#masks = masks.map(([form, shown]) => [Buffer.from(form), Buffer.from(shown)]);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.from(this.#replace(bytes, false));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.push(this.#replace(this.#held, true));
    done();
  }

  /** Hands out all that is decided; returns what has to wait for more, or, at the end, for nothing. */
  #replace(bytes: Buffer, last: boolean): Buffer {
    const next = this.#masks.map(([form]) => bytes.indexOf(form));
    let waiting = last ? bytes.length : bytes.length - this.#beginning(bytes);
    let from = 0;
    for (;;) {
      let first = -1;
      for (const [index, place] of next.entries()) {
        if (place >= 0 && (first < 0 || place < (next[first] ?? 0))) first = index;
      }
      const mask = this.#masks[first];
      const place = next[first];
      // A form within what may become a longer one is not looked at before that is known.
      if (mask === undefined || place === undefined || place >= waiting) break;
      this.#give(bytes.subarray(from, place));
      this.#give(mask[1]);
      from = place + mask[0].length;
      if (from > waiting) waiting = bytes.length - this.#beginning(bytes.subarray(from));
      for (const [index, [form]] of this.#masks.entries()) {
        if ((next[index] ?? -1) >= 0 && (next[index] ?? 0) < from)
          next[index] = bytes.indexOf(form, from);
      }
    }
    if (last) return bytes.subarray(from);
    this.#give(bytes.subarray(from, waiting));
    return bytes.subarray(waiting);
  }

  #give(bytes: Buffer): void {
    if (bytes.length > 0) this.push(bytes);
  }

  /** How many bytes at the end may be the beginning of a form. */
  #beginning(bytes: Buffer): number {
    let most = 0;
    for (const [form] of this.#masks) {
      const longest = Math.min(form.length - 1, bytes.length);
      for (let length = longest; length > most; length -= 1) {
        const from = bytes.length - length;
        if (bytes[from] === form[0] && bytes.subarray(from).equals(form.subarray(0, length))) {
          most = length;
          break;
        }
      }
    }
    return most;
  }
}
