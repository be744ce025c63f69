import type { DirectoryEntry, FileStat, FileType } from '../contract/file-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';

/** File type by the format bits of st_mode (inode(7)). */
const types: Readonly<Record<number, FileType>> = {
  0o01: 'fifo',
  0o02: 'character-device',
  0o04: 'directory',
  0o06: 'block-device',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
};

const record =
  /^([0-9a-f]+)\|(\d+)\|(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?: [+-]\d{4})?\|(\d+)/;

/**
 * Reads one record of `stat -c '%f|%s|%y|%h'`, as GNU and busybox print it with TZ=UTC. The text is
 * the guest's: anything but the exact form is `internal`.
 */
export function parseStat(text: string, target: Uint8Array | undefined): FileStat {
  const match = record.exec(text);
  const bits = Number.parseInt(match?.[1] ?? '', 16);
  const type = types[bits >> 12];
  if (!match || type === undefined) {
    throw new SandboxError(
      'internal',
      `stat in the sandbox printed ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const [, , size = '', day = '', time = '', fraction = '', links = ''] = match;
  return {
    type,
    mode: bits & 0o7777,
    size: Number(size),
    modifiedMs: Date.parse(`${day}T${time}Z`) + Number(`0.${fraction || '0'}`) * 1000,
    links: Number(links),
    ...(type === 'symlink' && target ? { target } : {}),
  };
}

/** Reads what the `list` script prints: batches of names, records and link targets. */
export function parseList(output: Buffer): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  let rest = output;
  while (rest.length > 0) {
    const names = takeItems(rest);
    const records = takeUntil(names.rest, Buffer.from('\n\0'), 1);
    const targets = takeItems(records.rest);
    entries.push(...joinBatch(names.items, records.taken, targets.items));
    rest = targets.rest;
  }
  return entries.toSorted((a, b) => Buffer.compare(a.nameBytes, b.nameBytes));
}

/**
 * Pairs names with records. Names may hold newlines, so a record is recognised by the name that it
 * must end in; a name without one has vanished since the directory was read.
 */
function joinBatch(names: Buffer[], records: Buffer, targets: Buffer[]): DirectoryEntry[] {
  const targetOf = new Map<string, Buffer>();
  for (let index = 0; index + 1 < targets.length; index += 2) {
    const [name, target] = [targets[index], targets[index + 1]];
    // Each begins with `=`, so that one that is not there does not look like the end of the items.
    if (name && target && target.length > 1) {
      targetOf.set(name.toString('latin1'), target.subarray(1));
    }
  }
  let offset = 0;
  return names.flatMap((name) => {
    const head = record.exec(records.toString('latin1', offset, offset + 120));
    const nameStart = offset + (head?.[0].length ?? 0) + 1;
    const nameEnd = nameStart + name.length;
    if (!head || !records.subarray(nameStart, nameEnd).equals(name) || records[nameEnd] !== 0x0a)
      return [];
    offset = nameEnd + 1;
    const nameBytes = name.subarray(2); // find prints `./name`
    const target = targetOf.get(name.toString('latin1'));
    const stat = parseStat(head[0], target);
    // A link whose target could not be read any more has vanished too.
    if (stat.type === 'symlink' && target === undefined) return [];
    return [{ ...stat, name: nameBytes.toString('utf8'), nameBytes }];
  });
}

/** NUL-terminated items up to an empty one. A name is never empty. */
function takeItems(bytes: Buffer): { items: Buffer[]; rest: Buffer } {
  const items: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const end = bytes.indexOf(0, offset);
    if (end === -1) throw new SandboxError('internal', 'the listing from the sandbox is cut off');
    if (end === offset) return { items, rest: bytes.subarray(end + 1) };
    items.push(bytes.subarray(offset, end));
    offset = end + 1;
  }
}

function takeUntil(bytes: Buffer, end: Buffer, keep: number): { taken: Buffer; rest: Buffer } {
  // No record at all: every name has vanished, and the list is just its terminator.
  if (bytes[0] === 0) return { taken: bytes.subarray(0, 0), rest: bytes.subarray(1) };
  const index = bytes.indexOf(end);
  if (index === -1) throw new SandboxError('internal', 'the listing from the sandbox is cut off');
  return { taken: bytes.subarray(0, index + keep), rest: bytes.subarray(index + end.length) };
}
