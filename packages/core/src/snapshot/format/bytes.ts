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

  /** The same of a latin1 string. */
  text(text: string): void {
    this.number(text.length);
    this.#room(text.length);
    this.#length += this.#buffer.write(text, this.#length, 'latin1');
  }

  /** Bytes that are told in hexadecimal. */
  hex(digits: string): void {
    this.#room(digits.length / 2);
    this.#length += this.#buffer.write(digits, this.#length, 'hex');
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

  /** How many bytes have been read. */
  get offset(): number {
    return this.#offset;
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
    const start = this.skip(length);
    return this.#bytes.subarray(start, this.#offset);
  }

  /** Goes past so many bytes, and returns where they begin. */
  skip(length: number): number {
    const start = this.#offset;
    if (start + length > this.#bytes.length) throw this.damaged('it is cut off');
    this.#offset = start + length;
    return start;
  }

  /** So many bytes, in hexadecimal. */
  hex(length: number): string {
    const start = this.skip(length);
    return this.#bytes.toString('hex', start, this.#offset);
  }

  block(): Buffer {
    return this.raw(this.number());
  }

  /** The same as a latin1 string. */
  text(): string {
    const start = this.skip(this.number());
    return this.#bytes.toString('latin1', start, this.#offset);
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
