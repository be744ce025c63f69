import { stripVTControlCharacters } from 'node:util';
import type { Excerpt } from './shorten.ts';

/**
 * Reads an output to its end, so that its writer never blocks, and keeps the first and the last bytes of what nobody has
 * taken yet.
 */
export class OutputWindow {
  /** Settles when the stream ends, fails or is let go of. */
  readonly ended: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #limit: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #omitted = 0;
  #over = false;

  /** Keeps `limit` bytes at the start and as many at the end. */
  constructor(stream: ReadableStream<Uint8Array>, limit: number) {
    this.#reader = stream.getReader();
    this.#limit = limit;
    this.ended = this.#read().finally(() => {
      this.#over = true;
    });
    // Whoever waits for the process hears of it there.
    this.ended.catch(() => undefined);
  }

  /** Stops reading. */
  letGo(): Promise<void> {
    return this.#reader.cancel();
  }

  /** What has come since the last time, as text without terminal control. A character that is not whole yet waits. */
  take(): Excerpt {
    let head = Buffer.concat(this.#head);
    let tail = Buffer.concat(this.#tail);
    const omittedBytes = this.#omitted;
    [this.#head, this.#headBytes, this.#tail, this.#tailBytes] = [[], 0, [], 0];
    this.#omitted = 0;
    const last = tail.length > 0 ? tail : head;
    const open = this.#over ? 0 : unfinished(last);
    if (open > 0) {
      this.#head = [Buffer.from(last.subarray(last.length - open))];
      this.#headBytes = open;
      if (tail.length > 0) tail = tail.subarray(0, -open);
      else head = head.subarray(0, -open);
    }
    if (omittedBytes === 0) {
      return { head: readable(Buffer.concat([head, tail])), tail: '', omittedBytes };
    }
    const cut = unfinished(head);
    const begun = continuations(tail);
    return {
      head: readable(head.subarray(0, head.length - cut)),
      tail: readable(tail.subarray(begun)),
      omittedBytes: omittedBytes + cut + begun,
    };
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#keep(Buffer.from(value));
    }
  }

  #keep(bytes: Buffer): void {
    const room = Math.max(this.#limit - this.#headBytes, 0);
    const first = bytes.subarray(0, room);
    const rest = bytes.subarray(room);
    if (first.length > 0) this.#head.push(first);
    this.#headBytes += first.length;
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    // Joined now and then, not at each chunk: a flood of small writes must not cost its square.
    if (this.#tailBytes < this.#limit * 2) return;
    const joined = Buffer.concat(this.#tail);
    const over = joined.length - this.#limit;
    this.#tail = [Buffer.from(joined.subarray(over))];
    this.#tailBytes = this.#limit;
    this.#omitted += over;
  }
}

/** How many bytes at the end begin a character that is not whole. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

/** How many bytes at the start belong to a character that began before. */
function continuations(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && count < bytes.length && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;
  return count;
}

function readable(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return stripVTControlCharacters(text).replaceAll('\r\n', '\n').replaceAll('\0', '\u2400');
}
