import type { BigIntStats } from 'node:fs';
import { type ChangeEntry, SandboxError } from '@gantry/core/driver';
import { ConfinedDirectory, type WalkedEntry } from '@gantry/core/node';
import { changeEntry } from './change-entry.ts';
import { isDirectoryOf, type ListedEntry } from './listing.ts';

/** What differs between two looks at the layer of writes: one of the two at the least. */
export interface LayerDifference {
  /** The path as a latin1 string. */
  readonly text: string;
  readonly before?: ListedEntry;
  readonly now?: WalkedEntry;
}

/**
 * What a difference in an overlay's upper layer means for the workspace (kernel documentation, overlayfs: whiteouts, opaque
 * directories, redirects). Only what the guest wrote is looked at, and for a directory that is another one now, all that is in it.
 */
export class LayerChanges implements Disposable {
  readonly #directory: string;
  readonly #written: ConfinedDirectory;
  readonly #merged: ConfinedDirectory;
  readonly #layer: ConfinedDirectory;
  /** All of what is below has been told. */
  #told: string | undefined;

  /** `directory`: the overlay; `written`: its upper layer, which is the caller's; `layer`: the one below. */
  constructor(directory: string, written: ConfinedDirectory, layer: string) {
    this.#directory = directory;
    this.#written = written;
    this.#merged = new ConfinedDirectory(directory);
    this.#layer = new ConfinedDirectory(layer);
  }

  [Symbol.dispose](): void {
    this.#merged[Symbol.dispose]();
    this.#layer[Symbol.dispose]();
  }

  /** Expects paths in the order of a walk. */
  *of({ text, before, now }: LayerDifference): Generator<ChangeEntry, void> {
    if (this.#told !== undefined && text.startsWith(this.#told)) return;
    this.#told = undefined;
    if (now && isShownAsItIs(now, before)) {
      yield changeEntry(this.#written.name, this.#written, now);
      return;
    }
    const path = Buffer.from(text, 'latin1');
    const stat = orMissing(() => this.#merged.stat(path));
    if (stat === undefined) {
      yield { path };
      return;
    }
    if (
      !now?.stat.isDirectory() ||
      !stat.isDirectory() ||
      this.#isSameDirectory(path, before, now.stat, stat)
    ) {
      yield this.#entry(path, stat);
      return;
    }
    // Whatever was there is gone with it, also what the layer below has.
    yield { path };
    yield this.#entry(path, stat);
    this.#told = `${text}/`;
    for (const inner of this.#merged.walk(path)) {
      yield changeEntry(this.#directory, this.#merged, inner);
    }
  }

  #entry(path: Buffer, stat: BigIntStats): ChangeEntry {
    return changeEntry(this.#directory, this.#merged, { path, stat });
  }

  /** Whether it is the directory that it was: known from before, or the layer's own, in which something was written. */
  #isSameDirectory(
    path: Buffer,
    before: ListedEntry | undefined,
    now: BigIntStats,
    merged: BigIntStats,
  ): boolean {
    if (before?.state !== undefined) return isDirectoryOf(before.state, now);
    // One that was made anew or moved here has another number: overlayfs shows that of the layer's directory.
    const below = before === undefined ? orMissing(() => this.#layer.stat(path)) : undefined;
    return below?.isDirectory() === true && below.ino === merged.ino;
  }
}

/**
 * Whether the overlay shows an entry of the layer of writes as it is there, so that nothing need be looked up through it: a directory
 * that was there before, and a file of one name with bytes of its own. One without may be a whiteout, or may have had its metadata
 * alone copied up.
 */
function isShownAsItIs({ stat }: WalkedEntry, before: ListedEntry | undefined): boolean {
  if (stat.isDirectory()) return before?.state !== undefined && isDirectoryOf(before.state, stat);
  return stat.isFile() && stat.nlink === 1n && stat.size > 0n && stat.blocks > 0n;
}

/** What a look gives; `undefined` where it finds nothing of that path. */
export function orMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    // A parent that is a file or a link by now: what was below it is gone.
    if (error.code === 'not-found' || error.code === 'failed-precondition') return undefined;
    throw error;
  }
}
