import { closeSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import type { ConfinedEntry } from '@gantry/core/node';

/** One line of a listing: what a later look is compared with. */
export interface ListedEntry {
  readonly path: Buffer;
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
export function entryState({ stat }: ConfinedEntry): string {
  const { mode, size, ino, nlink, ctimeNs, mtimeNs, birthtimeNs } = stat;
  return `${mode} ${size} ${ino} ${nlink} ${ctimeNs} ${mtimeNs} ${birthtimeNs}`;
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
  readonly #beganNs: bigint;
  #text = `${header}\0`;

  constructor(file: string, beganNs: bigint) {
    this.#file = file;
    this.#descriptor = openSync(`${file}.new`, 'wx', 0o600);
    this.#beganNs = beganNs;
  }

  /** Whether an entry changed so shortly before the looking began that it may change again without a trace. */
  isRacy({ stat }: ConfinedEntry): boolean {
    return stat.ctimeNs >= this.#beganNs - tick;
  }

  add(entry: ConfinedEntry): void {
    const state = this.isRacy(entry) ? '-' : entryState(entry);
    this.#text += `${state}\t${entry.path.toString('latin1')}\0`;
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
    let rest: Buffer = Buffer.alloc(0);
    let begun = false;
    for (;;) {
      const text = Buffer.allocUnsafe(rest.length + flushBytes);
      rest.copy(text);
      const read = readSync(descriptor, text, rest.length, flushBytes, null);
      if (read === 0) return;
      const known = text.subarray(0, rest.length + read);
      let start = 0;
      for (let end = known.indexOf(0); end !== -1; end = known.indexOf(0, start)) {
        const line = known.subarray(start, end);
        start = end + 1;
        if (!begun) {
          if (line.toString() !== header) throw new Error(`${file} is not a listing`);
          begun = true;
          continue;
        }
        const tab = line.indexOf(0x09);
        const state = line.toString('latin1', 0, tab);
        yield { path: line.subarray(tab + 1), state: state === '-' ? undefined : state };
      }
      rest = known.subarray(start);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The order of a walk: a directory before what is in it, names by their bytes. */
export function comparePaths(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const [left = 0, right = 0] = [a[index], b[index]];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** A separator comes before every byte of a name. */
function rank(byte: number): number {
  return byte === 0x2f ? -1 : byte;
}
