import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../errors/sandbox-error.ts';
import { isErrno } from './fifo.ts';

/**
 * One process of this host for as long as the host runs: a process id alone is used again, a
 * process id with the time of its start is not.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process in the system's own terms: clock ticks since boot, or `ps` text. */
  readonly startTime: string;
  /** Which boot of the host `startTime` counts from. */
  readonly bootId: string;
}

interface ProcessState {
  readonly startTime: string;
  readonly zombie: boolean;
}

/** The identity of a running process, or `undefined` when there is none with that id. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const state = readState(pid);
  if (!state || state.zombie) return undefined;
  return { pid, startTime: state.startTime, bootId: currentBootId() };
}

let own: ProcessIdentity | undefined;

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  own ??= identifyProcess(process.pid);
  if (own) return own;
  throw new SandboxError('internal', 'this process cannot see itself in /proc');
}

/** Whether that very process still runs. A zombie does not. */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.bootId !== currentBootId()) return false;
  const state = readState(identity.pid);
  return state !== undefined && !state.zombie && state.startTime === identity.startTime;
}

/**
 * Kills that very process and resolves when it is gone; never touches another process that got its
 * id. Rejects with `unavailable` when it is still there after `timeoutMs`. It is looked for time and again,
 * at first when `ended` settles, where that is given.
 */
export async function killProcess(
  identity: ProcessIdentity,
  timeoutMs: number,
  ended?: Promise<unknown>,
): Promise<void> {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return;
    throw error;
  }
  await ended;
  await waitUntilGone(identity, timeoutMs);
}

/** Resolves when that very process is gone; rejects with `unavailable` after `timeoutMs`. */
export async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (let pause = 1; isRunning(identity); pause = Math.min(pause * 2, 50)) {
    if (performance.now() > end) {
      throw new SandboxError(
        'unavailable',
        `process ${identity.pid} is still there ${timeoutMs} ms after it was killed`,
        { details: { pid: identity.pid } },
      );
    }
    await delay(pause);
  }
}

let bootId: string | undefined;

function currentBootId(): string {
  return (bootId ??=
    process.platform === 'linux'
      ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      : process.platform);
}

function readState(pid: number): ProcessState | undefined {
  return process.platform === 'linux' ? readProcStat(pid) : readWithPs(pid);
}

/** Fields of /proc/PID/stat, proc_pid_stat(5): 3 is the state, 22 the start time in clock ticks. */
function readProcStat(pid: number): ProcessState | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    // ESRCH: the process ended between open and read.
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
  // The command name (field 2) may hold spaces and parentheses; the last ')' ends it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  if (state === undefined || startTime === undefined) return undefined;
  return { startTime, zombie: state === 'Z' || state === 'X' };
}

function readWithPs(pid: number): ProcessState | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state = '', ...start] = text.split(/\s+/);
    return text === '' ? undefined : { startTime: start.join(' '), zombie: state.startsWith('Z') };
  } catch (error) {
    // `ps` exits with 1 when there is no such process.
    if (error instanceof Error && 'status' in error && error.status === 1) return undefined;
    throw error;
  }
}
