import type { RunOutcome } from '@gantry/core/harness';
import { CliError } from '../errors/cli-error.ts';
import { note, printJson } from '../output/print.ts';
import { printable } from '../output/printable.ts';
import { eventLine } from '../runs/event-line.ts';
import { loadRunModule } from '../runs/load-run-module.ts';
import { openHarness, type RunsOptions } from '../runs/open-harness.ts';
import type { Session } from '../session.ts';

/** Options of a durable run. */
export interface RunModuleOptions extends RunsOptions {
  readonly id?: string;
  readonly input?: string;
}

/** `gantry run FILE` with a module: begins a durable run, or goes on with one. Returns the exit code. */
export async function runModule(
  session: Session,
  file: string,
  options: RunModuleOptions,
): Promise<number> {
  const { name, work, options: own, policy } = await loadRunModule(file);
  const input = options.input === undefined ? {} : { input: parseInput(options.input) };
  await using open = await openHarness(options, {
    ...(policy ? { policy } : {}),
    onEvent: (event) => {
      if (session.verbose) process.stderr.write(eventLine({ ...event, superseded: false }));
    },
  });
  let id = options.id;
  const { signal } = session.interrupts;
  try {
    const more = { ...(id === undefined ? {} : { id }), ...input, signal };
    const outcome = await open.harness.run(name, { ...own, ...more }, (run) => {
      if (id === undefined && !session.json) note(`run ${run.id}`);
      id = run.id;
      return work(run);
    });
    return tellOutcome(session, outcome);
  } catch (error) {
    if (id !== undefined) note(`go on with it: gantry resume ${id} ${file}`);
    throw error;
  }
}

/** Prints what became of a run. Exit code 0 when it has finished, 75 (EX_TEMPFAIL) when it waits for an answer. */
export function tellOutcome(session: Session, outcome: RunOutcome<unknown>): number {
  if (session.json) printJson(outcome);
  else if (outcome.status === 'finished') {
    if (outcome.value !== undefined) printJson(outcome.value);
  } else {
    for (const { id, kind, subject } of outcome.asks) {
      note(`run ${outcome.run} asks ${id}: ${kind} ${printable(subject)}`);
      note(`answer it: gantry approve ${outcome.run} ${id}   (or with --deny), then resume it`);
    }
  }
  return outcome.status === 'finished' ? 0 : 75;
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError('--input is not JSON', {
      hint: 'For text, quote it twice: --input \'"text"\'',
    });
  }
}
