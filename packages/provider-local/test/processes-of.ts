import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/**
 * The processes, zombies apart, that belong to the sandboxes of a state directory: each of them has a FIFO
 * of its sandbox open or names it, but commands in it and this process itself.
 */
export function processesOf(stateDirectory: string): number[] {
  const sandboxes = path.join(stateDirectory, 'sandboxes');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => mentions(pid, sandboxes))
    .map(Number);
}

/** The spawners that this process has for a state directory. */
export function spawnersOf(stateDirectory: string, parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const fields = unlessGone(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
      const [state, ppid] = fields.slice(fields.lastIndexOf(')') + 2).split(' ');
      if (ppid !== String(parent) || state === 'Z') return false;
      return unlessGone(() => readlinkSync(`/proc/${pid}/cwd`)) === stateDirectory;
    })
    .map(Number);
}

function mentions(pid: string, text: string): boolean {
  const command = unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? '';
  if (command.includes(text)) return true;
  const descriptors = unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return descriptors.some((name) =>
    unlessGone(() => readlinkSync(`/proc/${pid}/fd/${name}`))?.startsWith(`${text}/`),
  );
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
