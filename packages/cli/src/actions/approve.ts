import { userInfo } from 'node:os';
import { note, printJson } from '../output/print.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** Options of `gantry approve`. */
export interface ApproveOptions extends RunsOptions {
  readonly deny?: boolean;
  readonly note?: string;
}

/** `gantry approve`: answers what a suspended run asks; without an ask it lists them. Returns the exit code. */
export async function approve(
  session: Session,
  run: string,
  ask: string | undefined,
  options: ApproveOptions,
): Promise<number> {
  await using open = await openHarness(options);
  if (ask === undefined) {
    const asks = await open.harness.asks(run);
    if (session.json) printJson({ asks });
    for (const { id, kind, subject } of session.json ? [] : asks)
      note(`${id}  ${kind}  ${subject}`);
    return 0;
  }
  const allow = options.deny !== true;
  const by = `user:${userInfo().username}`;
  const more = options.note === undefined ? {} : { note: options.note };
  await open.harness.approve(run, ask, { allow, by, ...more });
  if (session.json) printJson({ run, ask, allow, by });
  else note(`${allow ? 'allowed' : 'denied'}; go on with it: gantry resume ${run} FILE`);
  return 0;
}
