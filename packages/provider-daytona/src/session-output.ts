import { setImmediate as turn } from 'node:timers/promises';
import { streams } from '@gantry/core/node';

/** What the line says beside the output itself. */
export interface Word {
  readonly name: string;
  readonly number: number;
}

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

  constructor(told: (word: Word) => void, hold: (held: boolean) => void) {
    this.#told = told;
    this.#hold = hold;
  }

  push(text: string): void {
    const parts = (this.#word + text).split('!');
    this.#word = '';
    // Every other part is a word; the last one may go on.
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      if (index % 2 === 0) this.#take(part);
      else if (last) this.#word = `!${part}`;
      else this.#told({ name: part.slice(0, 1), number: Number(part.slice(1)) });
    }
  }

  end(): void {
    this.#output.end();
  }

  fail(error: unknown): void {
    this.#output.fail(error);
  }

  #take(text: string): void {
    const pieces = text.replace(/[\r\n]+/g, '').split(',');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const whole = this.#piece + piece;
      this.#piece = '';
      const room = this.#output.push(Buffer.from(whole, 'base64'));
      void this.#wait(room);
    }
    this.#piece += rest;
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
