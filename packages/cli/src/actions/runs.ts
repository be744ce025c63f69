import type { RunSummary } from '@gantry/core/harness';
import { note, print, printJson } from '../output/print.ts';
import { table } from '../output/table.ts';
import { openHarness, type RunsOptions, stateDirectory } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** `gantry runs`: every run, the newest first. Returns the exit code. */
export async function runs(session: Session, options: RunsOptions): Promise<number> {
  await using open = await openHarness(options);
  const found: RunSummary[] = [];
  for await (const run of open.harness.runs()) found.push(run);
  if (session.json) printJson({ runs: found });
  else if (found.length === 0) note(`there are no runs in ${stateDirectory(options)}`);
  else print(table(['RUN', 'NAME', 'STATUS', 'BEGAN', 'EVENTS'], found.map(row)));
  return 0;
}

function row({ run, name, status, createdAt, head, claim }: RunSummary): readonly string[] {
  // A run that nobody drives was interrupted: it can be resumed.
  const driven = claim !== undefined && claim.expiresAt > Date.now();
  const shown = status === 'running' && !driven ? 'interrupted' : status;
  return [run, name, shown, new Date(createdAt).toISOString().slice(0, 19), String(head.size)];
}
