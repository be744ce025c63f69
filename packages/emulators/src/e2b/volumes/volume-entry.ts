import type { Sandbox } from '@gantry/core';
import { ApiError } from '../api-error.ts';

/** An entry of a volume, as the vendor tells it. */
export interface VolumeEntry {
  readonly name: string;
  /** In the volume. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'unknown';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atime: string;
  readonly mtime: string;
  readonly ctime: string;
  readonly target?: string;
}

const format = '%P\\0%y\\0%s\\0%m\\0%U\\0%G\\0%A@\\0%T@\\0%C@\\0%l\\0';
const script = `
[ -e "$1" ] || [ -L "$1" ] || exit 44
exec find "$1" -mindepth "$2" -maxdepth "$3" -printf '${format}'
`;
const fields = 10;
const types = { f: 'file', d: 'directory', l: 'symlink' } as const;

/** The entry at a path of the guest, or those below it down to some depth. Throws the vendor's 404. */
export async function volumeEntries(
  sandbox: Sandbox,
  inside: string,
  path: string,
  depths: readonly [least: number, most: number],
): Promise<readonly VolumeEntry[]> {
  const command = ['/bin/sh', '-c', script, 'sh', inside, ...depths.map(String)] as const;
  const env = { LC_ALL: 'C' };
  const result = await sandbox.exec([...command], { env, maxOutputBytes: 2 ** 28 });
  if (result.exit.code === 44) throw new ApiError(404, `Path '${path}' not found`);
  if (!result.ok) throw new ApiError(500, `the volume cannot be read: ${result.stderr.text}`);
  const words = result.stdout.text.split('\0');
  const entries: VolumeEntry[] = [];
  for (let at = 0; at + fields < words.length; at += fields) {
    entries.push(entryOf(words.slice(at, at + fields), path));
  }
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function entryOf(words: readonly string[], path: string): VolumeEntry {
  const [below = '', type = '', size, mode = '', uid, gid, atime, mtime, ctime, target = ''] =
    words;
  const base = path.replace(/\/+$/, '');
  const whole = below === '' ? base || '/' : `${base}/${below}`;
  const time = (seconds: string | undefined): string =>
    new Date(Number(seconds) * 1000).toISOString();
  return {
    name: whole.slice(whole.lastIndexOf('/') + 1),
    path: whole,
    type: type === 'f' || type === 'd' || type === 'l' ? types[type] : 'unknown',
    ...{ size: Number(size), mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid) },
    ...{ atime: time(atime), mtime: time(mtime), ctime: time(ctime) },
    ...(target === '' ? {} : { target }),
  };
}
