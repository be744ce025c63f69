import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CommandMembers } from './command-members.ts';
import { processIds, readProc, readProcess, type TreeProcess } from './process-tree.ts';

/** The hard limit on the size of files that a process has; `undefined` for none, and once it has ended. */
export function fileSizeLimit(pid: number): bigint | undefined {
  return limitIn(readProc(pid, 'limits') ?? '');
}

function limitIn(limits: string): bigint | undefined {
  const limit = /^Max file size +\S+ +(\d+) /m.exec(limits)?.[1];
  return limit === undefined ? undefined : BigInt(limit);
}

/** Marks of commands that run beside the host's own programs: limits far above those of sandboxes with namespaces. */
export interface MarkRange {
  readonly first: bigint;
  readonly count: bigint;
}

const count = 2n ** 22n;

/** As many marks as a sandbox needs, which no other sandbox has. */
export function newMarkRange(): MarkRange {
  return markRange(2n ** 61n + BigInt(randomInt(2 ** 38)) * count);
}

/** The range that begins with a mark. */
export function markRange(first: bigint): MarkRange {
  return { first, count };
}

/** One of the marks, at random. */
export function newMarkOf({ first }: MarkRange): bigint {
  return first + BigInt(randomInt(Number(count)));
}

/** The processes that live with a mark of the range, which all descendants of a marked one inherit. */
export function markedProcesses(
  { first, count: size }: MarkRange,
  marked: (process: TreeProcess) => void = () => undefined,
): CommandMembers {
  let blurred = false;
  const members: TreeProcess[] = [];
  for (const pid of processIds()) {
    const limits = readProc(pid, 'limits');
    const limit = limitIn(limits ?? '');
    if (limits !== undefined && (limit === undefined || limit < first || limit >= first + size)) {
      continue;
    }
    const found = readProcess(pid);
    if (!found || found.state === 'Z' || found.state === 'X') {
      // What it had just started may not have been seen.
      blurred = true;
      continue;
    }
    marked(found);
    members.push(found);
  }
  return { members, blurred };
}

/** The program that marks a command, where this host has it and this process may mark; else `undefined`. */
export function findMarker(): string | undefined {
  // A limit can be lowered, never raised.
  if (process.platform !== 'linux' || fileSizeLimit(process.pid) !== undefined) return undefined;
  const mark = newMarkRange().first;
  return (process.env['PATH'] ?? '')
    .split(':')
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => path.join(directory, 'prlimit'))
    .find((program) => existsSync(program) && marks([program, ...markOptions(mark)], mark));
}

/** What the marking program is called with before a command. */
export function markOptions(mark: bigint): readonly string[] {
  return [`--fsize=${mark}:${mark}`, '--'];
}

/** Whether a command that is started so has the mark. */
function marks([program, ...options]: readonly [string, ...string[]], mark: bigint): boolean {
  try {
    const limits = execFileSync(program, [...options, 'cat', '/proc/self/limits'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return limitIn(limits) === mark;
  } catch {
    // Then commands are not marked, which the trait `kill` says.
    return false;
  }
}
