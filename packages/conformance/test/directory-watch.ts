import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError, type WatchEvent } from '@gantry/core/driver';

const lookEveryMs = 60;

/** What is below a directory: for each path, what changes when the entry does. Follows no link. */
async function look(directory: string, recursive: boolean): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const walk = async (at: string): Promise<void> => {
    for (const name of await readdir(at).catch(() => [])) {
      const file = path.join(at, name);
      const stat = await lstat(file, { bigint: true }).catch(() => undefined);
      if (!stat) continue;
      const kind = stat.isDirectory() ? 'directory' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
      found.set(file, `${kind} ${stat.mode}`);
      if (recursive && stat.isDirectory()) await walk(file);
    }
  };
  await walk(directory);
  return found;
}

/** Tells changes by comparing listings: slow, and nothing is ever lost. */
export async function* changes(
  directory: string,
  recursive: boolean,
  signal: AbortSignal,
  lives: () => Promise<boolean>,
): AsyncGenerator<WatchEvent, void> {
  let before = await look(directory, recursive);
  for (;;) {
    signal.throwIfAborted();
    if (!(await lives())) throw new SandboxError('unavailable', 'the sandbox has ended');
    const now = await look(directory, recursive);
    for (const [file, state] of now) {
      const known = before.get(file);
      if (known === undefined) yield { kind: 'created', path: file };
      else if (known !== state) yield { kind: 'changed', path: file };
    }
    for (const file of before.keys()) if (!now.has(file)) yield { kind: 'removed', path: file };
    before = now;
    await delay(lookEveryMs, undefined, { signal });
  }
}
