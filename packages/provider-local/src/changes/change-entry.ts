import { type BigIntStats, closeSync, fstatSync, readSync } from 'node:fs';
import { type ChangeEntry, type FileStat, SandboxError } from '@gantry/core/driver';
import { ConfinedDirectory, type ConfinedEntry, type WalkedEntry } from '@gantry/core/node';
import { isUnchanged } from './listing.ts';

/** Files of at most this size are read at once. */
const atOnceBytes = 1024n * 1024n;
/** Most files are smaller. */
const firstBytes = 64 * 1024;

/** A changed entry as consumers see it. Its contents are read when asked for, confined: quickest while the walk is at it. */
export function changeEntry(
  directory: string,
  workspace: ConfinedDirectory,
  entry: ConfinedEntry & Partial<WalkedEntry>,
): ChangeEntry {
  const { path, stat } = entry;
  if (stat.isSymbolicLink()) {
    const target = unchanged(path, () => workspace.readLink(path));
    return { path, stat: { ...fileStat(stat), target } };
  }
  if (!stat.isFile()) return { path, stat: fileStat(stat) };
  return {
    path,
    stat: fileStat(stat),
    ...(stat.nlink > 1n ? { identity: `${stat.dev}:${stat.ino}` } : {}),
    open: () =>
      unchanged(path, () => {
        if (stat.size <= atOnceBytes) return readAtOnce(directory, entry, path);
        using confined = new ConfinedDirectory(directory);
        const atEnd = (descriptor: number): void => requireSame(entry, descriptor, path);
        return confined.read(path, { reuse: true, atEnd });
      }),
  };
}

/** The bytes of a small file, which was the same before and after. */
function readAtOnce(
  directory: string,
  entry: ConfinedEntry & Partial<WalkedEntry>,
  path: Buffer,
): Uint8Array {
  const size = Number(entry.stat.size);
  const descriptor = entry.open?.() ?? openAnew(directory, path);
  try {
    // One byte more: a file that has grown shows.
    const room = scratch(size + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < size; length += read) {
      read = readSync(descriptor, room, length, room.length - length, null);
    }
    if (length !== size) throw changed(path, undefined);
    requireSame(entry, descriptor, path);
    return room.subarray(0, size);
  } finally {
    closeSync(descriptor);
  }
}

/** A file that was read must be the one that was looked at, as it was then. */
function requireSame({ stat }: ConfinedEntry, descriptor: number, path: Buffer): void {
  if (!isUnchanged(stat, fstatSync(descriptor, { bigint: true }))) throw changed(path, undefined);
}

function openAnew(directory: string, path: Buffer): number {
  using confined = new ConfinedDirectory(directory);
  return confined.openFile(path);
}

/** Where small files are read to, each in the place of the one before: memory for each would cost more than the reading. */
let shared = Buffer.alloc(0);

function scratch(bytes: number): Buffer {
  if (bytes > shared.length) shared = Buffer.allocUnsafeSlow(Math.max(firstBytes, bytes));
  return shared.subarray(0, bytes);
}

/** An entry that is gone, or something else, since it was looked at has changed while it was used. */
function unchanged<T>(path: Buffer, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    if (error.code !== 'not-found' && error.code !== 'failed-precondition') throw error;
    throw changed(path, error);
  }
}

function changed(path: Buffer, cause: unknown): SandboxError {
  const text = JSON.stringify(path.toString());
  const message = `${text} changed while it was read; ask for the changes again`;
  return new SandboxError('aborted', message, {
    details: { path: text },
    ...(cause === undefined ? {} : { cause }),
  });
}

function fileStat(stat: BigIntStats): FileStat {
  return {
    type: fileType(stat),
    mode: Number(stat.mode & 0o7777n),
    size: Number(stat.size),
    modifiedMs: Number(stat.mtimeNs / 1_000n) / 1_000,
    links: Number(stat.nlink),
  };
}

function fileType(stat: BigIntStats): FileStat['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  return stat.isBlockDevice() ? 'block-device' : 'character-device';
}
