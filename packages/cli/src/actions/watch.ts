import { print } from '../output/print.ts';
import { eventLine } from '../runs/event-line.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** Options of `gantry watch`. */
export interface WatchOptions extends RunsOptions {
  readonly follow: boolean;
}

/** `gantry watch`: a run's timeline, until the run has ended. With `--json` one document on each line. Returns the exit code. */
export async function watch(session: Session, run: string, options: WatchOptions): Promise<number> {
  await using open = await openHarness(options);
  const { signal } = session.interrupts;
  for await (const event of open.harness.events(run, { follow: options.follow, signal })) {
    print(session.json ? `${JSON.stringify(event)}\n` : eventLine(event));
  }
  return signal.aborted ? (session.interrupts.exitCode ?? 0) : 0;
}
