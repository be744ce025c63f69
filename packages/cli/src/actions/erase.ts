import { note, printJson } from '../output/print.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** `gantry erase`: destroys what runs recorded; their events stay. Returns the exit code. */
export async function erase(
  session: Session,
  runs: readonly string[],
  options: RunsOptions,
): Promise<number> {
  await using open = await openHarness(options);
  for (const run of runs) {
    await open.harness.erase(run);
    if (!session.json) note(`erased ${run}; its events stay and still verify`);
  }
  if (session.json) printJson({ erased: runs });
  return 0;
}
