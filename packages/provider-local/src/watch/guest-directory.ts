import { closeSync, constants, fstatSync, openSync, opendirSync } from 'node:fs';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { isErrno } from '../errors.ts';

/** A name as Latin-1 text, one character for each byte: names are bytes, and keys of maps are text. */
export type ByteName = string;

const flags =
  constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a directory of a sandbox as the sandbox sees it, mounts included. No symbolic link is followed, so
 * none can lead out. The caller closes the descriptor. Throws `not-found`, `failed-precondition` for
 * what is no directory or lies behind a link, `permission-denied`, or `unavailable` without a sandbox.
 */
export function openGuestDirectory(main: ProcessIdentity, directory: string): number {
  let root: number;
  try {
    root = openSync(`/proc/${main.pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw new SandboxError('unavailable', 'the sandbox has ended', { cause: error });
  }
  try {
    if (!hostProcess.isRunning(main))
      throw new SandboxError('unavailable', 'the sandbox has ended');
    return openBelow(root, namesOf(root, directory));
  } catch (error) {
    const [code, reason] = isErrno(error, 'ENOENT')
      ? (['not-found', 'is not there'] as const)
      : isErrno(error, 'EACCES')
        ? (['permission-denied', 'may not be read'] as const)
        : ([
            'failed-precondition',
            'is no directory, or is reached through a symbolic link',
          ] as const);
    if (SandboxError.is(error)) throw error;
    throw new SandboxError(code, `${directory} ${reason}`, {
      cause: error,
      details: { path: directory },
    });
  } finally {
    closeSync(root);
  }
}

/** The names on the way to a directory. What is before a `..` is looked at: it must be a directory, and no link. */
function namesOf(root: number, directory: string): ByteName[] {
  const names: ByteName[] = [];
  for (const name of directory.split('/')) {
    if (name === '..') {
      closeSync(openBelow(root, names));
      names.pop();
    } else if (name !== '' && name !== '.') {
      names.push(Buffer.from(name).toString('latin1'));
    }
  }
  return names;
}

/** Opens a directory below another, name by name, through no link. The caller closes the descriptor. */
export function openBelow(base: number, names: readonly ByteName[]): number {
  let current = openSync(`/proc/self/fd/${base}`, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const name of names) {
    const above = current;
    try {
      current = openSync(inDirectory(above, name), flags);
    } finally {
      closeSync(above);
    }
  }
  return current;
}

/** The path, for this process only, of an entry of an open directory. `name` is one name. */
export function inDirectory(descriptor: number, name: ByteName): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${descriptor}/`), Buffer.from(name, 'latin1')]);
}

/** The entries of an open directory: each name, and whether it is a directory itself. At most `most + 1`. */
export function entriesOf(descriptor: number, most: number): Map<ByteName, boolean> {
  const entries = new Map<ByteName, boolean>();
  // Not all at once: a guest can make a directory as large as it likes.
  const directory = opendirSync(`/proc/self/fd/${descriptor}`, { encoding: 'latin1' });
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      entries.set(entry.name, entry.isDirectory());
      if (entries.size > most) break;
    }
  } finally {
    directory.closeSync();
  }
  return entries;
}

/** Which directory an open descriptor is of. */
export function inodeOf(descriptor: number): bigint {
  return fstatSync(descriptor, { bigint: true }).ino;
}
