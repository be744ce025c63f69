import type { Journal, RunSummary } from '../journal/journal.ts';
import type { WritableRun } from '../open-for-writing.ts';
import { readEvents } from './read-run.ts';
import type { RunOutcome } from './run-types.ts';

/** What a run that has finished ended with; `undefined` for one that has not. */
export async function finishedOutcome<Value>(
  journal: Journal,
  { run, status }: RunSummary,
  { cipher }: WritableRun,
): Promise<RunOutcome<Value> | undefined> {
  if (status !== 'finished') return undefined;
  for await (const event of readEvents(journal, run)) {
    if (event.type !== 'run.finished') continue;
    const entry = await journal.entry(run, event.sequence);
    const body = entry?.body && cipher.open(entry.body, run, event.sequence);
    const value =
      typeof body === 'object' && body !== null && 'value' in body ? body.value : undefined;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of a run's result is its author's word
    return { run, status, value: value as Value };
  }
  return undefined;
}
