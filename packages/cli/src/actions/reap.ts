import { ANSWER_IS_NO } from '../exit-codes.ts';
import { messageOf } from '../errors/cli-error.ts';
import { note, print, printJson } from '../output/print.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** `gantry reap`: ends what nobody looks after. Exit code 1 when something could not be ended. */
export async function reap(session: Session, options: RunsOptions): Promise<number> {
  await using open = await openHarness(options, {});
  const report = await open.harness.reap();
  const failed = report.failed.map(({ what, error }) => ({ what, message: messageOf(error) }));
  if (session.json) printJson({ ...report, failed });
  else {
    for (const sandbox of report.destroyed) print(`${sandbox}\n`);
    note(`${report.destroyed.length} destroyed, ${report.kept} still looked after`);
    for (const { what, message } of failed) note(`${what}: ${message}`);
  }
  return failed.length === 0 ? 0 : ANSWER_IS_NO;
}
