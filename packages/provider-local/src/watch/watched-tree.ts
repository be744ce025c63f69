import { closeSync, type FSWatcher, lstatSync, readFileSync, watch } from 'node:fs';
import { SandboxError } from '@gantry/core/driver';
import { isErrno } from '../errors.ts';
import { type ByteName, entriesOf, inDirectory, inodeOf, openBelow } from './guest-directory.ts';

/** What one watch may cost the host, whatever the guest does. */
const mostDirectories = 8_192;
const mostEntries = 200_000;

/** What a tree tells of: an entry, by its names from the top, or that events were lost. */
export type TreeEvent =
  | { readonly kind: 'created' | 'changed' | 'removed'; readonly names: readonly ByteName[] }
  | { readonly kind: 'overflow' };

interface WatchedDirectory {
  readonly names: readonly ByteName[];
  readonly inode: bigint;
  readonly watcher: FSWatcher;
  /** Names, and whether each is a directory. */
  readonly entries: Map<ByteName, boolean>;
  /** Names that something has happened to, and whether it was more than a change of contents. */
  readonly dirty: Map<ByteName, boolean>;
}

/**
 * A directory that is watched, or a directory and all below it. The kernel says where something
 * happened; what it was is looked up at once after, so what came and went in between is not told.
 */
export class WatchedTree {
  readonly #base: number;
  readonly #recursive: boolean;
  readonly #report: (event: TreeEvent) => void;
  readonly #fail: (error: unknown) => void;
  readonly #directories = new Map<string, WatchedDirectory>();
  readonly #dirty = new Set<WatchedDirectory>();
  readonly #queueLength: number;
  #entries = 0;
  #events = 0;
  #closed = false;

  /** `base` is an open directory, which the tree closes. Throws `resource-exhausted` where it is too large. */
  constructor(
    base: number,
    recursive: boolean,
    report: (event: TreeEvent) => void,
    fail: (error: unknown) => void,
  ) {
    this.#base = base;
    this.#recursive = recursive;
    this.#report = report;
    this.#fail = fail;
    try {
      this.#queueLength = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
      this.#add([], false);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Ends the watch. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop('');
    closeSync(this.#base);
  }

  /** Watches a directory, and those below it; with `tell`, what is in them is reported as created. */
  #add(names: readonly ByteName[], tell: boolean): void {
    if (this.#directories.size >= mostDirectories) throw tooLarge(`${mostDirectories} directories`);
    let descriptor: number;
    try {
      descriptor = openBelow(this.#base, names);
    } catch (error) {
      // Gone again, or closed to its own user as well; its parent tells when that changes.
      if (
        names.length > 0 &&
        ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].some((code) => isErrno(error, code))
      )
        return;
      throw error;
    }
    let added: WatchedDirectory;
    try {
      const watcher = watch(`/proc/self/fd/${descriptor}`, 'buffer', (event, name) => {
        this.#note(added, event, name);
      });
      const dirty = new Map<ByteName, boolean>();
      // Watched before it is listed: nothing gets lost in between.
      const entries = entriesOf(descriptor, mostEntries - this.#entries);
      added = { names, inode: inodeOf(descriptor), watcher, entries, dirty };
      this.#directories.set(key(names), added);
      watcher.on('error', this.#fail);
    } catch (error) {
      if (isErrno(error, 'ENOSPC') || isErrno(error, 'EMFILE')) {
        throw tooLarge('what fs.inotify.max_user_watches and max_user_instances allow', error);
      }
      throw error;
    } finally {
      closeSync(descriptor);
    }
    this.#entries += added.entries.size;
    if (this.#entries > mostEntries) throw tooLarge(`${mostEntries} entries`);
    for (const [name, isDirectory] of added.entries) {
      if (tell) this.#report({ kind: 'created', names: [...names, name] });
      if (isDirectory && this.#recursive) this.#add([...names, name], tell);
    }
  }

  /** Forgets a directory and all below it. */
  #drop(top: string): void {
    for (const [at, directory] of this.#directories) {
      if (top !== '' && at !== top && !at.startsWith(`${top}/`)) continue;
      directory.watcher.close();
      this.#entries -= directory.entries.size;
      this.#directories.delete(at);
      this.#dirty.delete(directory);
    }
  }

  #note(directory: WatchedDirectory, event: string, name: Buffer | null): void {
    if (this.#closed) return;
    const text = name?.toString('latin1') ?? '';
    directory.dirty.set(text, directory.dirty.get(text) === true || event === 'rename');
    this.#events += 1;
    this.#dirty.add(directory);
    if (this.#events === 1) setImmediate(() => this.#look());
  }

  /** Looks at everything that something has happened to since the last time. */
  #look(): void {
    if (this.#closed) return;
    const dirty = [...this.#dirty];
    // The kernel drops events when its queue is full, and Node passes over the event that says so.
    const lost = this.#events >= this.#queueLength / 2;
    this.#events = 0;
    this.#dirty.clear();
    try {
      if (lost) {
        this.#drop('');
        this.#add([], false);
        this.#report({ kind: 'overflow' });
        return;
      }
      for (const directory of dirty) this.#lookInto(directory);
    } catch (error) {
      this.#fail(error);
    }
  }

  #lookInto(directory: WatchedDirectory): void {
    let descriptor: number;
    try {
      descriptor = openBelow(this.#base, directory.names);
    } catch (error) {
      // It is no longer there: its parent has been told, too.
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].some((code) => isErrno(error, code))) return;
      throw error;
    }
    try {
      if (inodeOf(descriptor) !== directory.inode) return;
      for (const [name, renamed] of directory.dirty) {
        if (name !== '') this.#lookAt(directory, descriptor, name, renamed);
      }
    } finally {
      directory.dirty.clear();
      closeSync(descriptor);
    }
  }

  #lookAt(directory: WatchedDirectory, descriptor: number, name: ByteName, renamed: boolean): void {
    const { entries } = directory;
    const names = [...directory.names, name];
    const known = entries.get(name);
    const stat = lstatSync(inDirectory(descriptor, name), { bigint: true, throwIfNoEntry: false });
    if (!stat) {
      if (known === undefined) return;
      entries.delete(name);
      this.#entries -= 1;
      this.#drop(key(names));
      this.#report({ kind: 'removed', names });
      return;
    }
    const isDirectory = stat.isDirectory();
    const below = this.#directories.get(key(names));
    const replaced = known === true && (!isDirectory || (below && below.inode !== stat.ino));
    if (replaced) this.#drop(key(names));
    if (known === undefined) this.#entries += 1;
    if (this.#entries > mostEntries) throw tooLarge(`${mostEntries} entries`);
    entries.set(name, isDirectory);
    if (known === undefined) this.#report({ kind: 'created', names });
    // A directory that only has other entries has told so itself.
    else if (!(isDirectory && below && renamed && !replaced))
      this.#report({ kind: 'changed', names });
    const unwatched = !this.#directories.has(key(names));
    if (isDirectory && this.#recursive && unwatched) this.#add(names, true);
  }
}

/** Never empty but for the top: a name has at least one character. */
function key(names: readonly ByteName[]): string {
  return names.join('/');
}

function tooLarge(what: string, cause?: unknown): SandboxError {
  return new SandboxError(
    'resource-exhausted',
    `there is more to watch than ${what}: watch a smaller directory`,
    { details: { reason: 'watches' }, ...(cause === undefined ? {} : { cause }) },
  );
}
