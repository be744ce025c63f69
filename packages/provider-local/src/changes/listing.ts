import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import type { ConfinedEntry } from '@gantry/core/node';

/** One line of a listing: what a later look is compared with. */
export interface ListedEntry {
  readonly path: Buffer;
  /** Equal for two looks at an entry that did not change in between. `undefined`: it cannot be told. */
  readonly state: string | undefined;
}

/** The kernel stamps changes with a clock that may tick only every 10 ms (CONFIG_HZ_100). Twice that. */
const tick = 20_000_000n;
const flushBytes = 256 * 1024;
const header = 'gantry-listing/1';

/**
 * What the host saw of an entry. A guest can set any of it but the time of the last change of the inode
 * (`ctime`), which only the kernel sets.
 */
export function entryState({ stat }: ConfinedEntry): string {
  const { mode, size, ino, nlink, ctimeNs, mtimeNs } = stat;
  return [mode, size, ino, nlink, ctimeNs, mtimeNs].join(' ');
}

/**
 * Writes a listing, entry by entry in the order of a walk; it is there when it is finished, and not before. `beganNs`: when the
 * looking began. An entry that changed then or later may change once more within the same tick of the clock, so its
 * state is not kept.
 */
export class ListingWriter implements AsyncDisposable {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #beganNs: bigint;
  #parts: Buffer[] = [Buffer.from(`${header}\0`)];
  #bytes = 0;

  private constructor(file: string, handle: FileHandle, beganNs: bigint) {
    this.#file = file;
    this.#handle = handle;
    this.#beganNs = beganNs;
  }

  static async create(file: string, beganNs: bigint): Promise<ListingWriter> {
    return new ListingWriter(file, await open(`${file}.new`, 'wx', 0o600), beganNs);
  }

  async add(entry: ConfinedEntry): Promise<void> {
    const state = entry.stat.ctimeNs < this.#beganNs - tick ? entryState(entry) : '-';
    this.#parts.push(Buffer.from(`${state}\t`), entry.path, Buffer.from('\0'));
    this.#bytes += state.length + entry.path.length + 2;
    if (this.#bytes >= flushBytes) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await rename(`${this.#file}.new`, this.#file);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }

  async #flush(): Promise<void> {
    await this.#handle.appendFile(Buffer.concat(this.#parts));
    this.#parts = [];
    this.#bytes = 0;
  }
}

/** Reads a listing in its order; memory stays flat. Rejects with the system's error when there is none. */
export async function* readListing(file: string): AsyncGenerator<ListedEntry, void> {
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  for await (const chunk of createReadStream(file, { highWaterMark: flushBytes })) {
    const text: Buffer = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = text.indexOf(0); end !== -1; end = text.indexOf(0, start)) {
      const line = text.subarray(start, end);
      start = end + 1;
      if (!begun) {
        if (line.toString() !== header) throw new Error(`${file} is not a listing`);
        begun = true;
        continue;
      }
      const tab = line.indexOf(0x09);
      const state = line.subarray(0, tab).toString('latin1');
      yield { path: line.subarray(tab + 1), state: state === '-' ? undefined : state };
    }
    rest = text.subarray(start);
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
