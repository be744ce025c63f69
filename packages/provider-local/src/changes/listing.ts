import { type BigIntStats, closeSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import type { ConfinedEntry, WalkedEntry } from '@gantry/core/node';

/** One line of a listing: what a later look is compared with. */
export interface ListedEntry {
  /** A latin1 string, one character for each byte. */
  readonly text: string;
  /** Equal for two looks at an entry that did not change in between. `undefined`: it cannot be told. */
  readonly state: string | undefined;
}

/** The kernel stamps changes with a clock that may tick only every 10 ms (CONFIG_HZ_100). Twice that. */
export const tickMs = 20;
const tick = BigInt(tickMs) * 1_000_000n;
const flushBytes = 256 * 1024;
const header = 'gantry-listing/1';

/**
 * What the host saw of an entry. A guest can set any of it but the time of the last change of the inode
 * (`ctime`), which only the kernel sets.
 */
export function entryState({ stat }: Pick<ConfinedEntry, 'stat'>): string {
  const { mode, size, ino, nlink, ctimeNs, mtimeNs, birthtimeNs } = stat;
  return `${mode} ${size} ${ino} ${nlink} ${ctimeNs} ${mtimeNs} ${birthtimeNs}`;
}

/** Whether two looks would have the same state. */
export function isUnchanged(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.ctimeNs === b.ctimeNs &&
    a.mtimeNs === b.mtimeNs &&
    a.size === b.size &&
    a.ino === b.ino &&
    a.mode === b.mode &&
    a.nlink === b.nlink &&
    a.birthtimeNs === b.birthtimeNs
  );
}

/**
 * Whether an entry is a directory, and the one that a state is of, whatever changed in it. Its number does not tell: a file system
 * may give that of a removed directory to the next one, which is born later. Where births are not kept, it is another one.
 */
export function isDirectoryOf(
  state: string,
  { mode, ino, birthtimeNs }: ConfinedEntry['stat'],
): boolean {
  const [oldMode = '0', , oldInode, , , , oldBirth] = state.split(' ');
  const isSameType = (BigInt(oldMode) & 0o170000n) === (mode & 0o170000n);
  const isKept = birthtimeNs !== 0n && oldBirth === String(birthtimeNs);
  return isSameType && oldInode === String(ino) && isKept;
}

/**
 * Writes a listing, entry by entry in the order of a walk; it is there when it is finished, and not before. `beganNs`: when the
 * looking began. An entry that changed then or later may change once more within the same tick of the clock, so its
 * state is not kept.
 */
export class ListingWriter implements Disposable {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #racyFrom: bigint;
  #text = `${header}\0`;

  constructor(file: string, beganNs: bigint) {
    this.#file = file;
    this.#descriptor = openSync(`${file}.new`, 'wx', 0o600);
    this.#racyFrom = beganNs - tick;
  }

  /** Whether an entry changed so shortly before the looking began that it may change again without a trace. */
  isRacy({ stat }: Pick<ConfinedEntry, 'stat'>): boolean {
    return stat.ctimeNs >= this.#racyFrom;
  }

  /** `state`: the entry's, where it is known. */
  add(entry: Pick<WalkedEntry, 'text' | 'stat'>, state: string = entryState(entry)): void {
    this.#text += `${this.isRacy(entry) ? '-' : state}\t${entry.text}\0`;
    if (this.#text.length >= flushBytes) this.#flush();
  }

  finish(): void {
    this.#flush();
    renameSync(`${this.#file}.new`, this.#file);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text, 'latin1');
    for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
    this.#text = '';
  }
}

/** Reads a listing in its order; memory stays flat. Throws the system's error when there is none. */
export function* readListing(file: string): Generator<ListedEntry, void> {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.allocUnsafe(flushBytes);
    let rest = '';
    let begun = false;
    for (;;) {
      const read = readSync(descriptor, bytes, 0, flushBytes, null);
      if (read === 0) return;
      const text = rest + bytes.toString('latin1', 0, read);
      let start = 0;
      for (let end = text.indexOf('\0'); end !== -1; end = text.indexOf('\0', start)) {
        const tab = text.indexOf('\t', start);
        const from = start;
        start = end + 1;
        if (!begun) {
          if (text.slice(from, end) !== header) throw new Error(`${file} is not a listing`);
          begun = true;
          continue;
        }
        const state = text.slice(from, tab);
        yield { text: text.slice(tab + 1, end), state: state === '-' ? undefined : state };
      }
      rest = text.slice(start);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The order of a walk: a directory before what is in it, names by their bytes. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** A separator comes before every byte of a name. */
function rank(byte: number): number {
  return byte === 0x2f ? -1 : byte;
}
