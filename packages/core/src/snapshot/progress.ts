import type { SnapshotProgress } from '../contract/snapshot-types.ts';

/** Milliseconds between two reports. */
const interval = 100;

/** Reports how far a long operation has got, a few times a second. */
export class ProgressReporter {
  readonly #report: ((progress: SnapshotProgress) => void) | undefined;
  #last = 0;
  #bytes = 0;
  #entries = 0;

  constructor(report: ((progress: SnapshotProgress) => void) | undefined) {
    this.#report = report;
  }

  /** Adds to what has been done. */
  add(phase: SnapshotProgress['phase'], bytes: number, entries: number, totalBytes?: number): void {
    this.#bytes += bytes;
    this.#entries += entries;
    if (!this.#report) return;
    const now = performance.now();
    if (now - this.#last < interval) return;
    this.#last = now;
    this.#report({
      phase,
      bytes: this.#bytes,
      entries: this.#entries,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
  }
}
