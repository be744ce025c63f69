import { setImmediate as turn } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { streams } from '@gantry/core/node';

/** What the line says beside the output itself. */
export interface Word {
  readonly name: string;
  readonly number: number;
}

/** Nothing that the line sends is longer without an end; the guest may send what it likes. */
const longestWord = 4 * 1024;
const longestPiece = 256 * 1024;

/** Turns one output of a session line back into bytes, and tells its words. */
export class SessionOutput {
  readonly #output = new streams.OutputStream();
  readonly readable: ReadableStream<Uint8Array> = this.#output.readable;
  readonly #told: (word: Word) => void;
  /** Called when the reader is behind, and again when it is not. */
  readonly #hold: (held: boolean) => void;
  /** A word, and a piece, whose ends have not arrived. */
  #word = '';
  #piece = '';
  #held = false;
  /** Bytes that came ahead of their piece: what was written at once is not torn. */
  #ahead: Uint8Array = new Uint8Array();

  constructor(told: (word: Word) => void, hold: (held: boolean) => void) {
    this.#told = told;
    this.#hold = hold;
  }

  /** Throws where it is nothing that the line sends. */
  push(text: string): void {
    const parts = (this.#word + text).split('!');
    this.#word = '';
    // Every other part is a word; the last one may go on.
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      if (index % 2 === 0) this.#take(part);
      else if (last) this.#word = `!${part}`;
      else this.#tell(part);
    }
    const waiting = this.#piece.length + this.#ahead.length;
    if (this.#word.length > longestWord || waiting > longestPiece) throw strange();
  }

  end(): void {
    this.#output.end();
  }

  fail(error: unknown): void {
    this.#output.fail(error);
  }

  #tell(word: string): void {
    const [, name, digits = ''] = /^([a-z])([0-9a-f]*)$/.exec(word) ?? [];
    if (name === undefined) throw strange();
    if (name === 'h' && digits.length % 2 === 0) return this.#give(Buffer.from(digits, 'hex'));
    if (name === 'g' && digits.length % 2 === 0) {
      this.#ahead = Buffer.concat([this.#ahead, Buffer.from(digits, 'hex')]);
      return;
    }
    const number = Number(digits);
    if (name === 'h' || name === 'g' || !Number.isSafeInteger(number)) throw strange();
    if (name === 'x' && number > 255) throw strange();
    this.#told({ name, number });
  }

  #take(text: string): void {
    const pieces = text.replace(/[\r\n]+/g, '').split(',');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const whole = this.#piece + piece;
      this.#piece = '';
      const bytes = Buffer.from(whole, 'base64');
      this.#give(this.#ahead.length > 0 ? Buffer.concat([this.#ahead, bytes]) : bytes);
      this.#ahead = new Uint8Array();
    }
    this.#piece += rest;
  }

  #give(bytes: Uint8Array): void {
    void this.#wait(this.#output.push(bytes));
  }

  /** The SDK cannot be made to wait, so whoever sends is. */
  async #wait(room: Promise<void>): Promise<void> {
    let behind = true;
    void room.then(() => (behind = false));
    await turn();
    if (!behind || this.#held) return;
    this.#held = true;
    this.#hold(true);
    await room;
    this.#held = false;
    this.#hold(false);
  }
}

function strange(): SandboxError {
  const message =
    "something in the sandbox wrote into the command's log what does not belong there";
  return new SandboxError('unavailable', message, { outcome: 'unknown' });
}
