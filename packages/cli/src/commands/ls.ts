import type { Command } from 'commander';
import type { LsActionOptions } from '../actions/ls.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { collectPairs, withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry ls`. */
export function addLs(program: Command, session: Session): void {
  const command = program
    .command('ls')
    .summary('list sandboxes')
    .description('List the sandboxes of a provider, oldest first.')
    .option(
      '--label <NAME=VALUE>',
      'only those that carry this label; may be repeated',
      collectPairs,
    );
  withExamples(withCommonOptions(command), [
    'gantry ls',
    'gantry ls --label team=parsers',
    "gantry ls --json | jq -r '.sandboxes[].ref.id'",
  ]).action(async (options: LsActionOptions) => {
    applyCommonOptions(session, options);
    const { ls } = await import('../actions/ls.ts');
    session.exitCode = await ls(session, options);
  });
}
