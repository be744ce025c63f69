import type { Command } from 'commander';
import { applyCommonOptions, type CommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry providers`. */
export function addProviders(program: Command, session: Session): void {
  const command = program
    .command('providers')
    .summary('list providers and what they can do')
    .description('List the providers: which are installed, which work here, and what they can do.');
  withExamples(withCommonOptions(command), [
    'gantry providers',
    'gantry providers --provider ./my-provider.mjs',
  ]).action(async (options: CommonOptions) => {
    applyCommonOptions(session, options);
    const { providers } = await import('../actions/providers.ts');
    session.exitCode = await providers(session, options);
  });
}
