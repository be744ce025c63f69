import type { Command } from 'commander';
import { applyCommonOptions, type CommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry ps`. */
export function addPs(program: Command, session: Session): void {
  const command = program
    .command('ps')
    .summary('list the processes of sandboxes')
    .description(
      'List the processes of one sandbox, or of all that run. What a process calls itself is its own choice.',
    )
    .argument('[sandbox]', 'id of a sandbox, or a unique prefix of it');
  withExamples(withCommonOptions(command), [
    'gantry ps',
    'gantry ps 7f3a',
    "gantry ps 7f3a --json | jq -r '.processes[].command'",
  ]).action(async (id: string | undefined, options: CommonOptions) => {
    applyCommonOptions(session, options);
    const { ps } = await import('../actions/ps.ts');
    session.exitCode = await ps(session, id, options);
  });
}
