import { SandboxError } from '../../errors/sandbox-error.ts';

/** Builds one of the binary documents of a snapshot. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  /** An unsigned whole number up to 2^53 - 1, seven bits to a byte, the lowest first; as few bytes as it takes. */
  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A signed whole number of 64 bits, eight bytes, the highest first. */
  signed(value: bigint): void {
    this.#room(8);
    this.#length = this.#buffer.writeBigInt64BE(value, this.#length);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Bytes after their number. */
  block(bytes: Uint8Array): void {
    this.number(bytes.length);
    this.raw(bytes);
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/**
 * Reads such a document, which may be damaged or hostile. What is cut off, too long or not written the one way that it may
 * be written is `data-loss`, naming the object.
 */
export class ByteParser {
  readonly #bytes: Buffer;
  readonly #object: string;
  #offset = 0;

  constructor(bytes: Uint8Array, object: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#object = object;
  }

  get ended(): boolean {
    return this.#offset === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) throw this.damaged('it is cut off');
    this.#offset += 1;
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && count > 0) throw this.damaged('a number in it has needless bytes');
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw this.damaged('a number in it is out of range');
  }

  signed(): bigint {
    return this.raw(8).readBigInt64BE();
  }

  raw(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw this.damaged('it is cut off');
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  block(): Buffer {
    return this.raw(this.number());
  }

  /** Takes the bytes that a document of this kind starts with. */
  magic(text: string): void {
    if (this.#bytes.toString('latin1', this.#offset, this.#offset + text.length) !== text) {
      throw this.damaged(`it does not start with ${text}`);
    }
    this.#offset += text.length;
  }

  end(): void {
    if (!this.ended) throw this.damaged('something follows its end');
  }

  damaged(reason: string): SandboxError {
    return new SandboxError('data-loss', `${this.#object} is damaged: ${reason}`, {
      details: { object: this.#object },
    });
  }
}
