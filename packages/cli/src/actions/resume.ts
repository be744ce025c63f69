import { CliError } from '../errors/cli-error.ts';
import { eventLine } from '../runs/event-line.ts';
import { loadRunModule } from '../runs/load-run-module.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';
import { tellOutcome } from './run-module.ts';

/** `gantry resume`: goes on with a run. Returns the exit code. */
export async function resume(
  session: Session,
  run: string,
  file: string,
  options: RunsOptions,
): Promise<number> {
  const { name, work, options: own, policy } = await loadRunModule(file);
  await using open = await openHarness(options, {
    ...(policy ? { policy } : {}),
    onEvent: (event) => {
      if (session.verbose) process.stderr.write(eventLine({ ...event, superseded: false }));
    },
  });
  for await (const known of open.harness.runs()) {
    if (known.run !== run || known.name === name) continue;
    const message = `run ${run} is a ${JSON.stringify(known.name)}, and ${file} is a ${JSON.stringify(name)}`;
    throw new CliError(message, { hint: 'Give the file that the run was begun with.' });
  }
  open.harness.define(name, { ...own, signal: session.interrupts.signal }, work);
  return tellOutcome(session, await open.harness.resume(run));
}
