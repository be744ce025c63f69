import { readdir, readFile } from 'node:fs/promises';
import { within } from '../runner/time-limits.ts';

/** How long the kernel may take to tell the command line of one process. */
const readMs = 2_000;

/** Processes whose command line the kernel has not told yet: it waits for what is short of memory, say. */
const stuck = new Set<string>();

/**
 * The processes of this host whose command line holds a marker, zombies left out. `undefined` where
 * the host has no `/proc` to look in.
 */
export async function hostProcesses(marker: string): Promise<number[] | undefined> {
  let names: string[];
  try {
    names = await readdir('/proc');
  } catch {
    return undefined; // Not Linux: the caller decides what that means.
  }
  const found: number[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid || stuck.has(name)) continue;
    if (await holds(name, marker)) found.push(Number(name));
  }
  return found;
}

async function holds(pid: string, marker: string): Promise<boolean> {
  // A zombie has an empty command line; what has ended, or belongs to someone else, has none to be read.
  const line = readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
  const read = line.finally(() => stuck.delete(pid));
  const late = (): Error => new Error(`the kernel does not tell the command line of ${pid}`);
  try {
    return (await within(readMs, read, late)).includes(marker);
  } catch {
    // Not read again until it is told: each such read takes a thread of this process.
    stuck.add(pid);
    return false;
  }
}
