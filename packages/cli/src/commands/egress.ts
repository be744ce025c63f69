import type { Command } from 'commander';
import type { EgressLogOptions } from '../actions/egress-log.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples, withStateOption } from './shared-options.ts';

/** Adds `gantry egress`. */
export function addEgress(program: Command, session: Session): void {
  const group = program
    .command('egress')
    .summary('show what sandboxes of a durable run sent out')
    .description('Show what sandboxes of a durable run sent out, and what was refused.');
  const log = group
    .command('log')
    .summary('every decision of the proxy, and what came of it')
    .description(
      'Every decision of the proxy: when, where to, by which rule, with which secrets by name, and how many bytes.',
    )
    .argument('<run>', 'id of the run')
    .option('--denied', 'only what was refused')
    .option('--follow', 'go on until the run has ended');
  withExamples(withStateOption(withCommonOptions(log)), [
    'gantry egress log 3f0c52d1',
    'gantry egress log 3f0c52d1 --denied --json',
  ]).action(async (run: string, options: EgressLogOptions) => {
    applyCommonOptions(session, options);
    const { egressLog } = await import('../actions/egress-log.ts');
    session.exitCode = await egressLog(session, run, options);
  });
}
