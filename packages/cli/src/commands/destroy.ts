import type { Command } from 'commander';
import type { DestroyActionOptions } from '../actions/destroy.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry destroy`. */
export function addDestroy(program: Command, session: Session): void {
  const command = program
    .command('destroy')
    .summary('end sandboxes and free what they hold')
    .description(
      'End sandboxes and free what they hold. Prints the id of each. --all asks first on a terminal, and ' +
        'elsewhere wants --yes. Exit code 1 when a sandbox was not there.',
    )
    .argument('[id...]', 'id of a sandbox, or a unique prefix of it')
    .option('--all', 'every sandbox of the provider')
    .option('--yes', 'do not ask');
  withExamples(withCommonOptions(command), [
    'gantry destroy 7f3a 81c0',
    'gantry destroy --all',
    'gantry destroy --all --yes',
  ]).action(async (ids: readonly string[], options: DestroyActionOptions) => {
    applyCommonOptions(session, options);
    const { destroy } = await import('../actions/destroy.ts');
    session.exitCode = await destroy(session, ids, options);
  });
}
