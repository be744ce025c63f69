import type { Command } from 'commander';
import type { ApproveOptions } from '../actions/approve.ts';
import type { WatchOptions } from '../actions/watch.ts';
import type { RunsOptions } from '../runs/open-harness.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples, withStateOption } from './shared-options.ts';

/** Adds `gantry runs`. */
export function addRuns(program: Command, session: Session): void {
  const command = program
    .command('runs')
    .summary('list durable runs')
    .description('List durable runs, the newest first. One that is interrupted can be resumed.');
  withExamples(withStateOption(withCommonOptions(command)), [
    'gantry runs',
    'gantry runs --json',
  ]).action(async (options: RunsOptions) => {
    applyCommonOptions(session, options);
    const { runs } = await import('../actions/runs.ts');
    session.exitCode = await runs(session, options);
  });
}

/** Adds `gantry resume`. */
export function addResume(program: Command, session: Session): void {
  const command = program
    .command('resume')
    .summary('go on with a durable run')
    .description(
      'Go on with a durable run that was interrupted, is suspended or has failed. What was committed is not run again.',
    )
    .argument('<run>', 'id of the run')
    .argument('<file>', 'the module that the run was begun with');
  withExamples(withStateOption(withCommonOptions(command)), [
    'gantry resume 3f0c52d1 job.ts',
  ]).action(async (run: string, file: string, options: RunsOptions) => {
    applyCommonOptions(session, options);
    const { resume } = await import('../actions/resume.ts');
    session.exitCode = await resume(session, run, file, options);
  });
}

/** Adds `gantry watch`. */
export function addWatch(program: Command, session: Session): void {
  const command = program
    .command('watch')
    .summary('show the timeline of a durable run')
    .description('Show the timeline of a durable run, live, until it has ended.')
    .argument('<run>', 'id of the run')
    .option('--no-follow', 'show what is there, and end');
  withExamples(withStateOption(withCommonOptions(command)), [
    'gantry watch 3f0c52d1',
    'gantry watch 3f0c52d1 --no-follow',
  ]).action(async (run: string, options: WatchOptions) => {
    applyCommonOptions(session, options);
    const { watch } = await import('../actions/watch.ts');
    session.exitCode = await watch(session, run, options);
  });
}

/** Adds `gantry approve`. */
export function addApprove(program: Command, session: Session): void {
  const command = program
    .command('approve')
    .summary('answer what a suspended run asks')
    .description('Answer what a suspended run asks. Without an ask, list what it asks.')
    .argument('<run>', 'id of the run')
    .argument('[ask]', 'id of the ask')
    .option('--deny', 'refuse it')
    .option('--note <text>', 'kept with the answer');
  withExamples(withStateOption(withCommonOptions(command)), [
    'gantry approve 3f0c52d1',
    'gantry approve 3f0c52d1 9b41c0de --note "reviewed"',
  ]).action(async (run: string, ask: string | undefined, options: ApproveOptions) => {
    applyCommonOptions(session, options);
    const { approve } = await import('../actions/approve.ts');
    session.exitCode = await approve(session, run, ask, options);
  });
}

/** Adds `gantry reap`. */
export function addReap(program: Command, session: Session): void {
  const command = program
    .command('reap')
    .summary('end sandboxes of runs that nobody looks after')
    .description(
      'End sandboxes that runs left behind: those whose lease has run out, is gone, or whose process has ended.',
    );
  withExamples(withStateOption(withCommonOptions(command)), ['gantry reap']).action(
    async (options: RunsOptions) => {
      applyCommonOptions(session, options);
      const { reap } = await import('../actions/reap.ts');
      session.exitCode = await reap(session, options);
    },
  );
}

/** Adds `gantry erase`. */
export function addErase(program: Command, session: Session): void {
  const command = program
    .command('erase')
    .summary('destroy what durable runs recorded')
    .description(
      'Destroy what runs recorded: results, commands, artifacts and the key. Their events stay, and still verify.',
    )
    .argument('<run...>', 'ids of runs');
  withExamples(withStateOption(withCommonOptions(command)), ['gantry erase 3f0c52d1']).action(
    async (runs: readonly string[], options: RunsOptions) => {
      applyCommonOptions(session, options);
      const { erase } = await import('../actions/erase.ts');
      session.exitCode = await erase(session, runs, options);
    },
  );
}
