import { printable } from './printable.ts';

const SHOWN_AFTER_MS = 1_000;
const REDRAW_MS = 200;
const CLEAR_LINE = '\r\u001b[2K';

/**
 * Says which phase is under way: with `verbose` one plain line each, else on a terminal one line that
 * appears when it takes over a second and goes away at the end, else nothing but a line for a part that takes
 * over a second. Always on stderr.
 */
export class Progress implements Disposable {
  readonly #verbose: boolean;
  readonly #startedAt = performance.now();
  #phase = '';
  #timer: NodeJS.Timeout | undefined;
  #drawn = false;
  #part = '';
  #partTimer: NodeJS.Timeout | undefined;

  constructor(verbose: boolean) {
    this.#verbose = verbose;
    if (!verbose && process.stderr.isTTY) {
      this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
      this.#timer.unref();
    }
  }

  /** A new phase has begun. */
  phase(name: string): void {
    this.#phase = name;
    clearTimeout(this.#partTimer);
    if (this.#verbose) process.stderr.write(`gantry: ${printable(name)}\n`);
  }

  /** The same phase, further on: shown on a terminal, and no line of its own. */
  update(name: string): void {
    this.#phase = name;
  }

  /** A part of the phase that may take long, and how far it is. */
  part(name: string, detail: string): void {
    this.#phase = name + detail;
    if (this.#part === name) return;
    this.#part = name;
    if (!this.#verbose && process.stderr.isTTY) return;
    const say = (): void => void process.stderr.write(`gantry: ${printable(name)}\n`);
    if (this.#verbose) return say();
    clearTimeout(this.#partTimer);
    this.#partTimer = setTimeout(say, SHOWN_AFTER_MS).unref();
  }

  /** Takes the line away and shows nothing more: from here the terminal belongs to the command. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearTimeout(this.#partTimer);
    this.#timer = undefined;
    if (this.#drawn) process.stderr.write(CLEAR_LINE);
    this.#drawn = false;
  }

  #draw(): void {
    const elapsedMs = performance.now() - this.#startedAt;
    if (elapsedMs < SHOWN_AFTER_MS) return;
    this.#drawn = true;
    const seconds = Math.round(elapsedMs / 1_000);
    const text = printable(`gantry: ${this.#phase} (${seconds}s)`).replaceAll('\n', ' ');
    process.stderr.write(`${CLEAR_LINE}${text.slice(0, (process.stderr.columns || 80) - 1)}`);
  }
}
