import type { BigIntStats } from 'node:fs';
import { type ChangeEntry, type FileStat, SandboxError } from '@gantry/core/driver';
import { ConfinedDirectory, type ConfinedEntry } from '@gantry/core/node';

/** A changed entry as consumers see it. Its contents are opened when asked for, by path and confined. */
export function changeEntry(
  directory: string,
  workspace: ConfinedDirectory,
  entry: ConfinedEntry,
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
    open: () =>
      unchanged(path, () => {
        using confined = new ConfinedDirectory(directory);
        return confined.read(path);
      }),
  };
}

/** An entry that is gone, or something else, since it was looked at has changed while it was used. */
function unchanged<T>(path: Buffer, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    if (error.code !== 'not-found' && error.code !== 'failed-precondition') throw error;
    const text = JSON.stringify(path.toString());
    throw new SandboxError(
      'aborted',
      `${text} changed while it was read; ask for the changes again`,
      {
        ...{ details: { path: text }, cause: error },
      },
    );
  }
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
