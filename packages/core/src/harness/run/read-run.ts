import { SandboxError } from '../../errors/sandbox-error.ts';
import { firstHead, nextHead } from '../journal/chain.ts';
import type { Journal, JournalHead } from '../journal/journal.ts';
import { parseEvent, type RunEvent } from '../journal/run-event.ts';
import { type RunState, RunStateBuilder } from './run-state.ts';

/** The events of a run, each checked against the chain. Rejects with `data-loss` at the first that is not what was written. */
export async function* readEvents(
  journal: Journal,
  run: string,
): AsyncGenerator<RunEvent, JournalHead> {
  let head = firstHead(run);
  for await (const { sequence, text, hash } of journal.read(run)) {
    head = nextHead(head, text);
    if (head.size !== sequence || head.hash !== hash) {
      throw new SandboxError(
        'data-loss',
        `event ${sequence} of run ${run} does not fit the chain; verify the run and do not go on with it`,
        { operation: 'journal.read', details: { run, sequence } },
      );
    }
    yield parseEvent(text, run, sequence);
  }
  return head;
}

/** What a run's events add up to, and the head to go on from. */
export async function readState(
  journal: Journal,
  run: string,
): Promise<{ readonly state: RunState; readonly head: JournalHead }> {
  const state = new RunStateBuilder();
  const events = readEvents(journal, run);
  for (;;) {
    const next = await events.next();
    if (next.done) return { state, head: next.value };
    state.add(next.value);
  }
}
