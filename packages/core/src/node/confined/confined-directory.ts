import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { isErrno } from '../fifo.ts';
import {
  beneath,
  components,
  describe,
  descriptors,
  invalidPath,
  placeOf,
} from './system-paths.ts';
import { type ConfinedEntry, type Level, Walked, type WalkedEntry } from './walked-entry.ts';
import { readDescriptor, type ReadHow } from './read-descriptor.ts';

// Linux's O_PATH, fcntl.h on x86-64 and arm64: names an entry without opening what it stands for.
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_NOCTTY } = constants;
const openSeenFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
/** What the system says of links, files, sockets and devices in the place of something else. */
const wrongKinds = ['ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO'] as const;
const lookOptions = { bigint: true, throwIfNoEntry: false } as const;
/** Directories within directories; each holds a descriptor while what is in it is walked. */
const mostLevels = 512;
/** Milliseconds of looking at entries before other work gets its turn. */
const slice = 2;

/**
 * A directory of this host whose contents somebody hostile may change at any moment, a guest's
 * workspace above all. Every operation stays beneath it: no symbolic link is ever followed, whatever
 * is swapped while it runs, and nothing but regular files and directories is ever read. Paths are
 * relative, without empty components, `.` and `..`. Linux only. The owner disposes.
 */
export class ConfinedDirectory implements Disposable {
  /** What it was opened by. */
  readonly name: string;
  readonly #descriptor: number;
  #open = true;

  /** Throws `not-found`, or `failed-precondition` for something that is no directory; the path's own parents are trusted. */
  constructor(directory: string) {
    if (process.platform !== 'linux') {
      throw new SandboxError('unsupported', 'a confined directory needs Linux and its /proc');
    }
    this.name = directory;
    this.#descriptor = this.#guard(Buffer.from(directory), () =>
      openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
    );
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#descriptor);
    this.#open = false;
  }

  /** What an entry is. Throws `not-found` when it is not there. */
  stat(path: Uint8Array): BigIntStats {
    return this.#at(path, (entry) => lstatSync(entry, { bigint: true }));
  }

  /** What a symbolic link says, byte for byte. Throws `failed-precondition` for anything else. */
  readLink(path: Uint8Array): Buffer {
    return this.#at(path, (entry) => readlinkSync(entry, { encoding: 'buffer' }));
  }

  /**
   * A descriptor of a regular file, for reading, which the caller closes. Throws `failed-precondition`
   * for anything else, without opening it: a FIFO keeps nobody waiting, a device notices nothing.
   */
  openFile(path: Uint8Array): number {
    return this.#at(path, (entry) => this.#openAt(entry, path));
  }

  /** The bytes of a regular file. Refuses what `openFile` refuses, at once. Cancel the stream to stop early. */
  read(path: Uint8Array, how: ReadHow = {}): ReadableStream<Uint8Array> {
    return readDescriptor(this.openFile(path), how);
  }

  /**
   * Every entry beneath, a directory before what is in it, names in the order of their bytes. What goes
   * away while it runs may be left out. Gives other work a turn every few milliseconds. Throws
   * `resource-exhausted` for directories nested more than 512 deep, `permission-denied` for a directory
   * that the host may not read: nothing is passed over.
   */
  async *entries(): AsyncGenerator<ConfinedEntry, void> {
    let since = performance.now();
    for (const entry of this.walk()) {
      yield entry;
      if (performance.now() - since <= slice) continue;
      await turn();
      since = performance.now();
    }
  }

  /** The same at once, of all or of what is below one directory: whoever asks for the next entry has given others their turn. */
  *walk(below?: Buffer): Generator<WalkedEntry, void> {
    const levels: Level[] = [];
    let at: Walked | undefined;
    const open = (entry: Walked): number | undefined =>
      entry === at ? this.#openSeen(entry) : undefined;
    try {
      levels.push(this.#start(below));
      for (let level = levels.at(-1); level; level = levels.at(-1)) {
        const name = level.names[level.next++];
        if (name === undefined) {
          levels.pop();
          if (level.owned) closeSync(level.descriptor);
          continue;
        }
        const text = level.text === '' ? name : `${level.text}/${name}`;
        const place = placeOf(level.prefix + name);
        const stat = this.#entry(place, text);
        if (!stat) continue;
        at = new Walked(text, stat, place, open);
        yield at;
        at = undefined;
        if (!stat.isDirectory()) continue;
        if (levels.length >= mostLevels) {
          throw new SandboxError(
            'resource-exhausted',
            `${this.name} holds directories nested more than ${mostLevels} deep`,
          );
        }
        const inner = this.#below(place, text);
        if (inner) levels.push(inner);
      }
    } finally {
      at = undefined;
      for (const { owned, descriptor } of levels) if (owned) closeSync(descriptor);
    }
  }

  /** Reaches an entry's parent one component at a time, and uses the entry's name there. */
  #at<T>(path: Uint8Array, use: (entry: Buffer) => T): T {
    const names = components(path);
    const last = names.pop();
    if (last === undefined) throw invalidPath(path);
    let parent = this.#descriptor;
    try {
      for (const name of names) {
        const next = this.#guard(path, () =>
          openSync(beneath(parent, name), O_PATH | O_DIRECTORY | O_NOFOLLOW),
        );
        if (parent !== this.#descriptor) closeSync(parent);
        parent = next;
      }
      return this.#guard(path, () => use(beneath(parent, last)));
    } finally {
      if (parent !== this.#descriptor) closeSync(parent);
    }
  }

  #openSeen({ place, path, stat }: Walked): number {
    if (!stat.isFile()) throw this.#wrongKind(path, 'is not a regular file');
    const descriptor = this.#guard(path, () => openSync(place, openSeenFlags));
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
    throw this.#wrongKind(path, 'is not a regular file');
  }

  #openAt(entry: Buffer, path: Uint8Array): number {
    return this.#guard(path, () => {
      const named = openSync(entry, O_PATH | O_NOFOLLOW);
      try {
        if (!fstatSync(named).isFile()) throw this.#wrongKind(path, 'is not a regular file');
        // The very entry that was looked at, whatever bears its name by now.
        return openSync(`${descriptors()}/${named}`, O_RDONLY | O_NONBLOCK | O_NOCTTY);
      } finally {
        closeSync(named);
      }
    });
  }

  #entry(place: string | Buffer, text: string): BigIntStats | undefined {
    try {
      return lstatSync(place, lookOptions);
    } catch (error) {
      throw this.#failure(Buffer.from(text, 'latin1'), error);
    }
  }

  /** Opens a directory that was one a moment ago; `undefined` when it is none any more. */
  #below(place: string | Buffer, text: string): Level | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    } catch (error) {
      if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR') || isErrno(error, 'ELOOP')) {
        return undefined;
      }
      throw this.#failure(Buffer.from(text, 'latin1'), error);
    }
    try {
      return this.#level(descriptor, text, true);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  #start(path: Buffer | undefined): Level {
    if (path === undefined) return this.#level(this.#descriptor, '', false);
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const descriptor = this.#at(path, (entry) => openSync(entry, flags));
    try {
      return this.#level(descriptor, path.toString('latin1'), true);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  #level(descriptor: number, text: string, owned: boolean): Level {
    const names = this.#guard(Buffer.from(text, 'latin1'), () =>
      readdirSync(`${descriptors()}/${descriptor}`, { encoding: 'latin1' }),
    );
    const prefix = `${descriptors()}/${descriptor}/`;
    return { descriptor, prefix, text, owned, names: names.toSorted(), next: 0 };
  }

  #guard<T>(path: Uint8Array, use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw this.#failure(path, error);
    }
  }

  #failure(path: Uint8Array, error: unknown): unknown {
    const text = describe(path);
    if (isErrno(error, 'ENOENT')) {
      return new SandboxError('not-found', `${text} is not in ${this.name}`, {
        details: { path: text },
      });
    }
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) {
      return new SandboxError('permission-denied', `${text} in ${this.name} may not be read`, {
        ...{ details: { path: text }, cause: error },
      });
    }
    if (wrongKinds.some((code) => isErrno(error, code))) {
      return this.#wrongKind(
        path,
        'is not what was asked for, or is reached through a link or a file',
      );
    }
    return error;
  }

  #wrongKind(path: Uint8Array, what: string): SandboxError {
    const text = describe(path);
    return new SandboxError('failed-precondition', `${text} in ${this.name} ${what}`, {
      details: { path: text, reason: 'wrong-kind' },
    });
  }
}
