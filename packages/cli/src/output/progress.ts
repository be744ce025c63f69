import { printable } from './printable.ts';

const SHOWN_AFTER_MS = 1_000;
const REDRAW_MS = 200;
const CLEAR_LINE = '\r\u001b[2K';

/**
 * Says which phase is under way: with `verbose` one plain line each, else on a terminal one line that
 * appears when it takes over a second and goes away at the end, else nothing. Always on stderr.
 */
export class Progress implements Disposable {
  readonly #verbose: boolean;
  readonly #startedAt = performance.now();
  #phase = '';
  #timer: NodeJS.Timeout | undefined;
  #drawn = false;

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
    if (this.#verbose) process.stderr.write(`gantry: ${printable(name)}\n`);
  }

  /** The same phase, further on: shown on a terminal, and no line of its own. */
  update(name: string): void {
    this.#phase = name;
  }

  /** Takes the line away and shows nothing more: from here the terminal belongs to the command. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
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
