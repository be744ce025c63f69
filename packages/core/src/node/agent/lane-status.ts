import type { ExitStatus } from '../../contract/exit-status.ts';
import { shellExitStatus } from './shell-exit-status.ts';

/** What a lane said. `broken` is everything that an agent does not say. */
export type LaneStatus =
  | { readonly kind: 'ready' }
  | { readonly kind: 'full' }
  | { readonly kind: 'no-directory' }
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'ended'; readonly exit: ExitStatus }
  | { readonly kind: 'broken'; readonly reason: string };

/** Longest line, and most lines of the shell's own words, that a lane may say. */
const longestLine = 4_096;
const mostWords = 32;

/**
 * Reads what a lane says. The other side may be a hostile guest, so lines are bounded, the grammar is
 * closed, and the first thing outside it breaks the lane for good.
 */
export class LaneStatusReader {
  readonly #report: (status: LaneStatus) => void;
  #text = '';
  #words: string[] = [];
  #started = false;
  #broken = false;

  constructor(report: (status: LaneStatus) => void) {
    this.#report = report;
  }

  /** The shell's own words since the last status: what it said of a failure. */
  get words(): string {
    return [...this.#words, this.#text].join(' ').trim();
  }

  push(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString('latin1');
    for (;;) {
      if (this.#broken) return;
      const end = this.#text.indexOf('\n');
      if (end > longestLine || (end < 0 && this.#text.length > longestLine)) {
        return this.#break('a line without end');
      }
      if (end < 0) return;
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      this.#line(line);
    }
  }

  #line(line: string): void {
    if (line === 'ready') return this.#say({ kind: 'ready' });
    if (line === 'full' && !this.#started) return this.#say({ kind: 'full' });
    if (line === 'd' && !this.#started) return this.#say({ kind: 'no-directory' });
    const started = /^p ([1-9]\d{0,9})$/.exec(line);
    if (started && !this.#started) {
      this.#started = true;
      return this.#say({ kind: 'started', pid: Number(started[1]) });
    }
    const ended = /^x (0|[1-9]\d{0,2})$/.exec(line);
    if (ended && Number(ended[1]) <= 255) {
      const exit = shellExitStatus(Number(ended[1]), this.#started && this.#words.length > 0);
      this.#started = false;
      return this.#say({ kind: 'ended', exit });
    }
    this.#words.push(line);
    if (this.#words.length > mostWords) this.#break('words without end');
  }

  #say(status: LaneStatus): void {
    this.#words = [];
    this.#report(status);
  }

  #break(reason: string): void {
    this.#broken = true;
    this.#text = '';
    this.#report({ kind: 'broken', reason });
  }
}
