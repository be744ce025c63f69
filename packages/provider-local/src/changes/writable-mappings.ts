import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import path from 'node:path';
import type { ProcessIdentity } from '@gantry/core/node';
import { isErrno } from '../errors.ts';

// PROC_SUPER_MAGIC of linux/magic.h.
const procMagic = 0x9fa0;

interface Member {
  readonly directory: string;
  readonly threads: number;
  readonly startTime: string;
}

/**
 * Whether a process of the sandbox may have a page of a file in its memory that it can write to without a trace: the kernel notes
 * the first write to such a page and no other one until the page is on disk. True where it cannot be told. What is mapped later, or
 * again, is noted again; so what has ended, or let go of its mappings, is no concern.
 */
export function mayWriteUnseen({ pid }: ProcessIdentity): boolean {
  const proc = path.join(`/proc/${pid}/root`, 'proc');
  try {
    if (statfsSync(proc).type !== procMagic) return true;
    const before = membersOf(proc);
    if (before.some(sharesFile)) return true;
    // Two processes can share their memory, and one end while the other is begun: only a set that stood still has been seen whole.
    return namesOf(before) !== namesOf(membersOf(proc));
  } catch (error) {
    // Ended meanwhile, or somebody else's.
    const codes = ['EACCES', 'EPERM', 'ENOENT', 'ESRCH'];
    if (codes.some((code) => isErrno(error, code))) return true;
    throw error;
  }
}

/** The processes of the sandbox's pid namespace, by its own /proc, which is quick however many others the host has. */
function membersOf(proc: string): readonly Member[] {
  const ids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
  return ids.map((id) => {
    const stat = readFileSync(path.join(proc, id, 'stat'), 'latin1');
    // proc_pid_stat(5); the name of the program, which is field 2, may hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [threads = '', startTime = ''] = [fields[17], fields[19]];
    return { directory: path.join(proc, id), threads: Number(threads), startTime };
  });
}

function namesOf(members: readonly Member[]): string {
  const names = members.map(({ directory, startTime }) => `${directory} ${startTime}`);
  return names.toSorted().join();
}

/** Whether a process has a file mapped for sharing that was opened for writing, whatever it may do with it now. */
function sharesFile({ directory, threads }: Member): boolean {
  const maps = readFileSync(path.join(directory, 'maps'), 'latin1');
  // Without its first thread a process does not say what the others have mapped.
  if (maps === '') return threads > 1;
  const shared = maps.split('\n').filter(isSharedFile);
  if (shared.length === 0) return false;
  if (shared.some((line) => permissions(line).includes('w'))) return true;
  return hasSharedFlag(readFileSync(path.join(directory, 'smaps'), 'latin1'));
}

/** A line of proc_pid_maps(5): `from-to rw-s offset device inode path`. */
function isSharedFile(line: string): boolean {
  return permissions(line).endsWith('s') && line.split(/ +/)[4] !== '0';
}

function permissions(line: string): string {
  return line.split(' ')[1] ?? '';
}

/** In proc_pid_smaps(5) `sh` is a mapping that may be written to, for sharing; what was opened for reading alone is not. */
function hasSharedFlag(smaps: string): boolean {
  let isFile = false;
  for (const line of smaps.split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isFile = isSharedFile(line);
    else if (isFile && line.startsWith('VmFlags:') && line.split(' ').includes('sh')) return true;
  }
  return false;
}
