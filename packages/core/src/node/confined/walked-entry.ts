import type { BigIntStats } from 'node:fs';

/** One entry below a confined directory, as it was when it was looked at. */
export interface ConfinedEntry {
  /** Relative to the directory, components separated by `/`, byte for byte. */
  readonly path: Buffer;
  /** Of the entry itself: a symbolic link is not followed. */
  readonly stat: BigIntStats;
}

/** One that a walk is at. */
export interface WalkedEntry extends ConfinedEntry {
  /** The path as a latin1 string: one character for each byte. */
  readonly text: string;
  /**
   * A descriptor of what was a regular file a moment ago, for reading, which the caller closes. Throws as `openFile` does, but a FIFO
   * that has taken its place is opened before it is refused, without a wait. `undefined` once the walk has gone on.
   */
  open(): number | undefined;
}

/** A directory that a walk is in. Names are latin1 strings: sorting them sorts by byte, and all but a few are what the system takes. */
export interface Level {
  readonly descriptor: number;
  /** What names the directory to the system, and a slash. */
  readonly prefix: string;
  readonly text: string;
  /** Whether the walk opened the descriptor, and so closes it. */
  readonly owned: boolean;
  readonly names: readonly string[];
  next: number;
}

/** What a walk gives. */
export class Walked implements WalkedEntry {
  readonly text: string;
  readonly stat: BigIntStats;
  /** What names it to the system while the walk is at it. */
  readonly place: string | Buffer;
  readonly #open: (entry: Walked) => number | undefined;

  constructor(
    text: string,
    stat: BigIntStats,
    place: string | Buffer,
    open: (entry: Walked) => number | undefined,
  ) {
    this.text = text;
    this.stat = stat;
    this.place = place;
    this.#open = open;
  }

  get path(): Buffer {
    return Buffer.from(this.text, 'latin1');
  }

  open(): number | undefined {
    return this.#open(this);
  }
}
