import { normalize } from './normalize.ts';
import type { NormalizationName } from './normalize.ts';
import type { Field, SourceRange } from './record.ts';

/** A document that the extractor cannot read; the message says why. */
export class UnreadableDocument extends Error {
  override readonly name = 'UnreadableDocument';
}

/** The longest text that a field may have, in UTF-16 units. */
export const longestField = 16_384;

const stride = 4096;

/** A document as text, whose positions (UTF-16) can be turned into byte offsets of the file. */
export class SourceText {
  readonly text: string;
  readonly #ascii: boolean;
  readonly #checkpoints: number[] = [];

  /** Throws `UnreadableDocument` when the bytes are not UTF-8. A byte order mark stays in the text. */
  constructor(bytes: Uint8Array) {
    try {
      this.text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new UnreadableDocument('not UTF-8 text', { cause });
    }
    this.#ascii = this.text.length === bytes.length;
    if (this.#ascii) return;
    let offset = 0;
    for (let index = 0; index < this.text.length; index++) {
      if (index % stride === 0) this.#checkpoints.push(offset);
      offset += unitBytes(this.text.charCodeAt(index));
    }
  }

  /** The byte offset of a position in `text`. */
  byteOffset(position: number): number {
    if (this.#ascii) return position;
    const block = Math.min(Math.floor(position / stride), this.#checkpoints.length - 1);
    let offset = this.#checkpoints[block] ?? 0;
    for (let index = block * stride; index < position; index++) {
      offset += unitBytes(this.text.charCodeAt(index));
    }
    return offset;
  }

  /** The byte range of a range of positions. */
  range(start: number, end: number): SourceRange {
    return { start: this.byteOffset(start), end: this.byteOffset(end) };
  }

  /**
   * The field at a range of positions, white space around it left out. `undefined` when there is
   * nothing in it. Of several normalizations, the first that can read the text is used.
   */
  field(start: number, end: number, ...normalizations: NormalizationName[]): Field | undefined {
    while (start < end && isSpace(this.text.charCodeAt(start))) start++;
    while (end > start && isSpace(this.text.charCodeAt(end - 1))) end--;
    if (end - start > longestField) {
      throw new UnreadableDocument(
        `a value of ${end - start} characters; at most ${longestField} are read`,
      );
    }
    const raw = this.text.slice(start, end);
    for (const normalization of normalizations) {
      const value = normalize(normalization, raw);
      if (value === undefined) continue;
      return value === ''
        ? undefined
        : { value, raw, source: this.range(start, end), normalization };
    }
    return undefined;
  }
}

// A surrogate pair is four bytes of UTF-8: all of them are counted at its first half.
function unitBytes(unit: number): number {
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  if (unit >= 0xd800 && unit <= 0xdbff) return 4;
  return unit >= 0xdc00 && unit <= 0xdfff ? 0 : 3;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0d;
}
