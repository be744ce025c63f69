import type { PullProgress } from './docker-options.ts';

/** Adds up what the daemon says of each layer of one pull. Layers of which it has not said a size are not in it yet. */
export class PullTotals {
  readonly #layers = new Map<string, { bytes: number; totalBytes: number }>();

  /** How much of the image has been fetched, now that the daemon has said this too. */
  after({ status, layer = '', currentBytes, totalBytes }: PullProgress): {
    readonly bytes?: number;
    readonly totalBytes?: number;
  } {
    const known = this.#layers.get(layer);
    if (status === 'Downloading' && currentBytes !== undefined && totalBytes !== undefined) {
      this.#layers.set(layer, { bytes: Math.min(currentBytes, totalBytes), totalBytes });
    } else if (known && /^(?:Download complete|Extracting|Pull complete)$/.test(status)) {
      known.bytes = known.totalBytes;
    }
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return {};
    const sum = (of: 'bytes' | 'totalBytes'): number =>
      layers.reduce((total, next) => total + next[of], 0);
    return { bytes: sum('bytes'), totalBytes: sum('totalBytes') };
  }
}
