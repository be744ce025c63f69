import { readdirSync, readFileSync } from 'node:fs';
import { isErrno } from '../errors.ts';

/** One process of a sandbox, by its host's ids. */
export interface TreeProcess {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** One letter, proc_pid_stat(5): `Z` has ended, `T` is stopped. */
  readonly state: string;
  readonly startTime: string;
  /** Processor time that it and the children it has waited for have used. */
  readonly ticks: number;
  readonly threads: number;
  /** Pages of memory that are there. */
  readonly pages: number;
}

/**
 * Looks at every process there is, the newest first: those that live shortest. `seen` is called with
 * each at once. `blurred`: some process ended meanwhile.
 */
export function scanProcesses(seen: (process: TreeProcess) => void = () => undefined): {
  readonly processes: readonly TreeProcess[];
  readonly blurred: boolean;
} {
  const pids = processIds();
  const processes: TreeProcess[] = [];
  for (const pid of pids) {
    const found = readProcess(pid);
    if (!found) continue;
    seen(found);
    processes.push(found);
  }
  return { processes, blurred: processes.length < pids.length };
}

/** The ids of all processes, the newest first. */
export function processIds(): number[] {
  const pids = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  // Ids begin anew after the highest, so the newest is not always the highest. proc_loadavg(5).
  const newest = Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
  const age = (pid: number): number => (pid <= newest ? newest - pid : newest - pid + 2 ** 32);
  return pids.toSorted((a, b) => age(a) - age(b));
}

/** Those of the processes that descend from one, itself left out. */
export function inTree(ancestor: number, processes: readonly TreeProcess[]): TreeProcess[] {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const tree: TreeProcess[] = [];
  const waiting = [ancestor];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    for (const child of children.get(pid) ?? []) {
      tree.push(child);
      waiting.push(child.pid);
    }
  }
  return tree;
}

/** Every descendant of a process at this moment, itself left out. Processes that fork meanwhile may be missing. */
export function descendants(ancestor: number): TreeProcess[] {
  return inTree(ancestor, scanProcesses().processes);
}

/** One process as it is now; `undefined` when there is none with that id. */
export function readProcess(pid: number): TreeProcess | undefined {
  const text = readProc(pid, 'stat');
  if (text === undefined) return undefined;
  // The name of the program may hold spaces and parentheses; the last ')' ends it. Field 3 is first here.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    pid,
    state: fields[0] ?? 'Z',
    parent: number(4),
    session: number(6),
    ticks: number(14) + number(15) + number(16) + number(17),
    threads: number(20),
    startTime: fields[19] ?? '',
    pages: number(24),
  };
}

/** A file of a process; `undefined` once it has ended. */
export function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    // ESRCH: the process ended between open and read.
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

/** Signals that very process; false when it has ended. */
export function signalProcess(
  { pid, startTime }: Pick<TreeProcess, 'pid' | 'startTime'>,
  signal: NodeJS.Signals,
): boolean {
  if (readProcess(pid)?.startTime !== startTime) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}
