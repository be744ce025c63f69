import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { isRunning, type ProcessIdentity } from '@gantry/core/node';
import { commandMembers } from './command-members.ts';
import { signalProcess } from './process-tree.ts';

/** A guest may fork as fast as it can; stopped processes keep its limit used up. */
const goneWithinMs = 20_000;
/** A process that forks and ends at once can slip through one look at /proc, but not through some in a row. */
const emptyScans = 4;

/**
 * Sends a signal to every process of one command, daemons included, and to none of another. After
 * SIGKILL none of them is left. Rejects with `unavailable` where that takes too long.
 */
export async function signalCommand(
  main: ProcessIdentity,
  mark: string,
  signal: NodeJS.Signals,
): Promise<void> {
  if (!isRunning(main)) return;
  if (signal !== 'SIGKILL') {
    for (const member of commandMembers(main.pid, mark)) signalProcess(member, signal);
    return;
  }
  const end = performance.now() + goneWithinMs;
  const stopped = new Set<string>();
  for (let empty = 0; empty < emptyScans; ) {
    const members = commandMembers(main.pid, mark);
    empty = members.length === 0 ? empty + 1 : 0;
    // Whoever is stopped forks no more. Once nobody new has appeared, nobody can.
    const fresh = members.filter(({ pid, startTime }) => !stopped.has(`${pid} ${startTime}`));
    for (const member of fresh) {
      signalProcess(member, 'SIGSTOP');
      stopped.add(`${member.pid} ${member.startTime}`);
    }
    if (fresh.length === 0) for (const member of members) signalProcess(member, 'SIGKILL');
    if (members.length > 0 && performance.now() > end) {
      throw new SandboxError(
        'unavailable',
        `${members.length} processes of the command are still there ${goneWithinMs} ms after SIGKILL`,
        { details: { processes: members.length } },
      );
    }
    await delay(fresh.length === 0 ? 2 : 0);
  }
}
