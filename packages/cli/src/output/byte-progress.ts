import type { SnapshotProgress } from '@gantry/core';
import { Progress } from './progress.ts';

/** Bytes for people: `512 B`, `1.5 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** How many bytes of how many: `1.5 MB of 3.2 MB`. */
export function formatBytesOf(bytes: number, totalBytes: number | undefined): string {
  return formatBytes(bytes) + (totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`);
}

/** Says how many bytes a long operation has done, and how many in a second, on a terminal. */
export class ByteProgress implements Disposable {
  readonly #progress: Progress;
  readonly #startedAt = performance.now();
  readonly #what: string;

  constructor(what: string, verbose: boolean) {
    this.#what = what;
    this.#progress = new Progress(verbose);
    this.#progress.phase(what);
  }

  readonly report = ({ bytes, entries, totalBytes }: SnapshotProgress): void => {
    const seconds = Math.max((performance.now() - this.#startedAt) / 1000, 0.001);
    const rate = `${formatBytes(bytes / seconds)}/s`;
    this.#progress.update(
      `${this.#what}: ${formatBytesOf(bytes, totalBytes)}, ${entries} entries, ${rate}`,
    );
  };

  [Symbol.dispose](): void {
    this.#progress[Symbol.dispose]();
  }
}
