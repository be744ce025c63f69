import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * The processes of this host whose command line holds a marker, zombies left out. `undefined` where
 * the host has no `/proc` to look in. Rejects when the kernel does not tell within the limit.
 */
export async function hostProcesses(
  marker: string,
  limitMs: number,
): Promise<number[] | undefined> {
  if (!existsSync('/proc/self/cmdline')) return undefined; // Not Linux: the caller decides what that means.
  // By a program of its own: the kernel can take long over a process that is short of memory, and would
  // keep a thread of this one for so long. The marker comes by its input, so as not to show in its command line.
  const line = 'exec grep -lsF -f - /proc/[0-9]*/cmdline';
  const child = spawn('/bin/sh', ['-c', line], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined); // It has ended: its code says how.
  child.stdin.end(`${marker}\n`);
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  try {
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const parts: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => parts.push(part));
    const code = await ended;
    // 2: some process ended while it was looked at.
    if (code === null || code > 2)
      throw new Error(`the processes of this host could not be looked through (${String(code)})`);
    return Buffer.concat(parts)
      .toString('latin1')
      .split('\n')
      .flatMap((name) => {
        const pid = /^\/proc\/(\d+)\//.exec(name)?.[1];
        return pid === undefined ? [] : [Number(pid)];
      });
  } finally {
    clearTimeout(timer);
  }
}
