import { readdir, readFile } from 'node:fs/promises';

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
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    if (await holds(name, marker)) found.push(Number(name));
  }
  return found;
}

async function holds(pid: string, marker: string): Promise<boolean> {
  try {
    // A zombie has an empty command line.
    return (await readFile(`/proc/${pid}/cmdline`, 'latin1')).includes(marker);
  } catch {
    return false; // It ended while it was looked at, or belongs to someone else.
  }
}
