import type { ShownEvent } from '@gantry/core/harness';
import { print } from '../output/print.ts';
import { egressLine } from '../runs/egress-line.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** Options of `gantry egress log`. */
export interface EgressLogOptions extends RunsOptions {
  readonly denied?: boolean;
  readonly follow?: boolean;
}

/** `gantry egress log`: with `--json` one document on each line. Returns the exit code. */
export async function egressLog(
  session: Session,
  run: string,
  options: EgressLogOptions,
): Promise<number> {
  await using open = await openHarness(options);
  const { signal } = session.interrupts;
  const follow = options.follow ?? false;
  for await (const event of open.harness.events(run, { follow, signal })) {
    if (event.type !== 'egress') continue;
    if (options.denied && event.facts?.['allowed'] !== false) continue;
    const asked = event.body ? await open.harness.body(run, event.sequence) : undefined;
    print(
      session.json ? `${JSON.stringify(documentOf(event, asked))}\n` : egressLine(event, asked),
    );
  }
  return signal.aborted ? (session.interrupts.exitCode ?? 0) : 0;
}

function documentOf(event: ShownEvent, asked: unknown): unknown {
  const { sequence, time, sandbox, scope, facts } = event;
  const request = typeof asked === 'object' ? asked : {};
  return {
    sequence,
    time,
    sandbox,
    ...(scope === undefined ? {} : { scope }),
    ...facts,
    ...request,
  };
}
