import type { EmulatorClock } from './clock.ts';

/** What share of one processor was used since the latest reading, in per cent with two decimals. */
export class CpuShare {
  #before: { readonly at: number; readonly seconds: number } | undefined;

  /** The first reading has nothing to compare with, and is 0. */
  take(clock: EmulatorClock, seconds: number): number {
    const now = clock.now();
    const before = this.#before;
    this.#before = { at: now, seconds };
    const elapsed = before ? (now - before.at) / 1000 : 0;
    const share = before && elapsed > 0 ? (seconds - before.seconds) / elapsed : 0;
    return Math.max(0, Math.round(share * 10_000) / 100);
  }
}
