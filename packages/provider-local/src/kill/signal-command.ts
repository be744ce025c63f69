import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { commandMembers, type CommandMembers } from './command-members.ts';
import { type MarkRange, markedProcesses } from './marks.ts';
import { signalProcess, type TreeProcess } from './process-tree.ts';

/** A guest may fork as fast as it can; stopped processes keep its limit used up. */
const goneWithinMs = 20_000;
/**
 * A process that forks and ends at once can slip through a look at /proc. So several in a row must find
 * nobody: a few, or many once new processes have appeared during the kill.
 */
const enoughLooks = { calm: 3, churning: 12 } as const;
const clearLook = 3;

/** Whether this system has a signal of that name. */
export function isSignal(name: string): name is NodeJS.Signals {
  return name in constants.signals;
}

/**
 * Sends a signal to every process of one command, daemons included, and to none of another. After
 * SIGKILL none of them is left. Rejects with `unavailable` where that takes too long.
 */
export async function signalCommand(
  main: ProcessIdentity,
  mark: string,
  signal: NodeJS.Signals,
): Promise<void> {
  if (!hostProcess.isRunning(main)) return;
  return signalFound((marked) => commandMembers(main, mark, marked), signal, true);
}

/**
 * Sends a signal to every process with a mark of the range. After SIGKILL none is left, as of
 * `signalCommand`. `expected`: there was one just now.
 */
export async function signalMarked(
  range: MarkRange,
  signal: NodeJS.Signals,
  expected: boolean,
): Promise<void> {
  return signalFound((marked) => markedProcesses(range, marked), signal, expected);
}

/** One look at the processes that a signal is for; `marked` is called with each as soon as it is seen. */
type Look = (marked: (one: TreeProcess) => void) => CommandMembers;

async function signalFound(look: Look, signal: NodeJS.Signals, expected: boolean): Promise<void> {
  if (signal === 'SIGKILL') return killFound(look, expected);
  for (const member of look(() => undefined).members) signalProcess(member, signal);
}

async function killFound(look: Look, expected: boolean): Promise<void> {
  const end = performance.now() + goneWithinMs;
  const stopped = new Set<string>();
  let needed: number = enoughLooks.calm;
  const stop = (one: TreeProcess): boolean => {
    const name = `${one.pid} ${one.startTime}`;
    if (stopped.has(name)) return false;
    stopped.add(name);
    // One that has ended by itself may have started another.
    if (!signalProcess(one, 'SIGSTOP')) needed = enoughLooks.churning;
    return true;
  };
  let first = true;
  for (let looks = 0; looks < needed;) {
    let fresh = 0;
    const note = (one: TreeProcess): void => void (fresh += stop(one) ? 1 : 0);
    const { members, blurred } = look(note);
    members.forEach(note);
    if (first ? expected && members.length === 0 : fresh > 0) needed = enoughLooks.churning;
    first = false;
    // Whoever is stopped forks no more. Once nobody new has appeared, nobody can.
    if (fresh === 0) for (const member of members) signalProcess(member, 'SIGKILL');
    looks = members.length > 0 ? 0 : looks + (blurred ? 1 : clearLook);
    if (members.length > 0 && performance.now() > end) {
      throw new SandboxError(
        'unavailable',
        `${members.length} processes of the command are still there ${goneWithinMs} ms after SIGKILL`,
        { details: { processes: members.length } },
      );
    }
    await delay(fresh === 0 ? 1 : 0);
  }
}
