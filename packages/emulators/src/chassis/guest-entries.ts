import type { Sandbox } from '@gantry/core';

/** Why an entry or a directory cannot be described; `changing` where it never held still. */
export class GuestEntryError extends Error {
  readonly reason: 'missing' | 'not-directory' | 'cycle' | 'changing';

  constructor(reason: GuestEntryError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** One entry as the guest's own programs describe it. */
export interface GuestEntry {
  /** Absolute, with the prefix that was asked for. */
  readonly path: string;
  /** `st_mode` of the entry itself. */
  readonly bits: number;
  /** `st_mode` of what it is in the end; absent for a link that leads nowhere. */
  readonly targetBits: number | undefined;
  readonly size: number;
  /** Of what a link leads to in the end. */
  readonly targetSize: number;
  readonly modified: Date;
  readonly owner: string;
  readonly group: string;
  /** Of a link. */
  readonly target: string | undefined;
}

/** Names, then a line for each, then what each link leads to. */
const describe = `
printf "%s\\0" "$@"; printf "\\0"
stat -c "%f|%s|%y|%U|%G" -- "$@"; printf "\\0"
for f; do
  [ -L "$f" ] || continue
  printf "%s\\0" "$f"; readlink -n -- "$f"; printf "\\0"
  stat -L -c "%f %s" -- "$f" 2>/dev/null; printf "\\0"
done
printf "\\0"`;

const exits = { missing: 44, notDirectory: 46, cycle: 47 } as const;

const one = `[ -e "$1" ] || [ -L "$1" ] || exit ${exits.missing}\nset -- "$1"${describe}`;
const many = `
[ -L "$1" ] && [ ! -e "$1" ] && exit ${exits.cycle}
[ -e "$1" ] || exit ${exits.missing}
[ -d "$1" ] || exit ${exits.notDirectory}
cd -- "$1" && exec find . -mindepth 1 -maxdepth "$2" -exec sh -c '${describe}' sh {} +`;

/** Times that a listing is read again because something went away under it. */
const attempts = 5;

/** Describes the entry at a path. Rejects with a `GuestEntryError`. */
export async function describeEntry(sandbox: Sandbox, path: string): Promise<GuestEntry> {
  const [entry] = await read(sandbox, one, [path], path, (name) => name);
  if (entry) return entry;
  throw new GuestEntryError('missing', `path '${path}' not found`);
}

/** Describes what is in a directory, down to that depth, by path. */
export async function describeDirectory(
  sandbox: Sandbox,
  path: string,
  depth: number,
): Promise<readonly GuestEntry[]> {
  const prefix = path.replace(/\/+$/, '');
  const entries = await read(sandbox, many, [path, String(depth)], path, (name) =>
    name.replace(/^\./, prefix),
  );
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function read(
  sandbox: Sandbox,
  script: string,
  args: readonly string[],
  path: string,
  pathOf: (name: string) => string,
): Promise<GuestEntry[]> {
  for (let attempt = 1; ; attempt += 1) {
    const command = ['/bin/sh', '-c', script, 'sh', ...args] as const;
    const env = { TZ: 'UTC', LC_ALL: 'C' };
    const result = await sandbox.exec(command, { env, maxOutputBytes: 2 ** 30 });
    refuse(result.exit.code, path);
    const entries = parse(result.stdout.text, pathOf);
    if (entries) return entries;
    if (attempt === attempts) {
      throw new GuestEntryError('changing', `error listing '${path}': ${result.stderr.text}`);
    }
  }
}

function refuse(code: number | undefined, path: string): void {
  if (code === exits.missing) throw new GuestEntryError('missing', `path '${path}' not found`);
  if (code === exits.notDirectory) {
    throw new GuestEntryError('not-directory', `path '${path}' is not a directory`);
  }
  if (code === exits.cycle) {
    throw new GuestEntryError('cycle', `cyclic symlink or chain at '${path}'`);
  }
}

const record =
  /^([0-9a-f]+)\|(\d+)\|(\S+) (\d\d:\d\d:\d\d)(\.\d{1,3})?\d* ?(?:[+-]\d{4})?\|(.*)\|(.*)$/;

/** `undefined` when names and lines do not pair: an entry has gone in between. */
function parse(output: string, pathOf: (name: string) => string): GuestEntry[] | undefined {
  const entries: GuestEntry[] = [];
  const fields = output.split('\0');
  let at = 0;
  const until = (): string[] => {
    const end = fields.indexOf('', at);
    const taken = fields.slice(at, end);
    at = end + 1;
    return taken;
  };
  while (at < fields.length - 1) {
    const names = until();
    const lines = (fields[at++] ?? '').split('\n').slice(0, -1);
    const links = new Map<string, { target: string; bits: number | undefined; size: number }>();
    for (let name = fields[at++]; name; name = fields[at++]) {
      const target = fields[at++] ?? '';
      const [mode = '', length = ''] = (fields[at++] ?? '').trim().split(' ');
      const bits = mode === '' ? undefined : Number.parseInt(mode, 16);
      links.set(name, { target, bits, size: Number(length) });
    }
    if (names.length !== lines.length) return undefined;
    for (const [index, name] of names.entries()) {
      const match = record.exec(lines[index] ?? '');
      if (!match) return undefined;
      const [, bits = '', size = '', day = '', time = '', fraction = '', owner = '', group = ''] =
        match;
      const link = links.get(name);
      entries.push({
        path: pathOf(name),
        bits: Number.parseInt(bits, 16),
        targetBits: link ? link.bits : Number.parseInt(bits, 16),
        size: Number(size),
        targetSize: link ? link.size : Number(size),
        modified: new Date(`${day}T${time}${fraction}Z`),
        ...{ owner, group, target: link?.target },
      });
    }
  }
  return entries;
}

/** Whether it is, links followed, a directory. */
export function isDirectory({ targetBits = 0 }: GuestEntry): boolean {
  return targetBits >> 12 === 0o04;
}

/** Whether it is, links followed, a regular file. */
export function isFile({ targetBits = 0 }: GuestEntry): boolean {
  return targetBits >> 12 === 0o10;
}

/** As Go prints a mode: `drwxr-xr-x`, `Lrwxrwxrwx`. */
export function goPermissions(bits: number): string {
  const kind = bits >> 12 === 0o04 ? 'd' : bits >> 12 === 0o12 ? 'L' : '-';
  const letters = Array.from('rwxrwxrwx', (letter, index) =>
    (bits >> (8 - index)) & 1 ? letter : '-',
  );
  return kind + letters.join('');
}
