import { formatDuration } from '../../parts/amounts.ts';

/** A time in which nothing could happen, as the scale shows it. */
export interface ShownGap {
  /** Percent of the width. */
  readonly at: number;
  readonly width: number;
  readonly milliseconds: number;
}

/** What a gap is shown as when it is longer than this. */
const SHOWN_GAP_MS = 900;

/** Seconds from one mark to the next. */
const STEPS: readonly number[] = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];

/** Places moments on a line of which long gaps are cut out, in percent of its width. */
export class TimeScale {
  readonly start: number;
  readonly gaps: readonly ShownGap[];
  readonly #cuts: readonly { from: number; to: number; cut: number }[];
  readonly #span: number;

  constructor(
    start: number,
    end: number,
    gaps: readonly { readonly from: number; readonly to: number }[],
    least: number,
  ) {
    this.start = start;
    this.#cuts = gaps
      .filter(({ from, to }) => to - from > SHOWN_GAP_MS)
      .map(({ from, to }) => ({ from, to, cut: to - from - SHOWN_GAP_MS }));
    const cut = this.#cuts.reduce((sum, each) => sum + each.cut, 0);
    this.#span = Math.max(least, end - start - cut);
    this.gaps = this.#cuts.map(({ from, to }) => ({
      at: this.place(from),
      width: this.place(to) - this.place(from),
      milliseconds: to - from,
    }));
  }

  /** Where a moment is, from 0 to 100. */
  place(time: number): number {
    let shown = time - this.start;
    for (const { from, to, cut } of this.#cuts) {
      if (time >= to) shown -= cut;
      else if (time > from) shown -= ((time - from) / (to - from)) * cut;
    }
    return Math.max(0, Math.min(100, (shown / this.#span) * 100));
  }

  /** Marks at round seconds since the start; none in a gap, and none too close to the one before. */
  marks(): readonly { readonly at: number; readonly label: string }[] {
    const seconds = this.#span / 1_000;
    const step = STEPS.find((each) => seconds / each <= 9) ?? 600;
    const marks: { at: number; label: string }[] = [];
    for (let second = 0; ; second += step) {
      const time = this.start + second * 1_000;
      const at = this.place(time);
      if (at > 97) return marks;
      const isCut = this.#cuts.some(({ from, to }) => time > from && time < to);
      const last = marks.at(-1)?.at ?? -100;
      if (!isCut && at - last > 5)
        marks.push({ at, label: second === 0 ? '0' : formatDuration(second * 1_000) });
      const cut = this.#cuts.find(({ from, to }) => time >= from && time < to);
      if (cut) second = Math.max(second, Math.floor((cut.to - this.start) / 1_000 / step) * step);
    }
  }
}
