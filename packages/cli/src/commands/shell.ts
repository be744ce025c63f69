import type { Command } from 'commander';
import type { ShellActionOptions } from '../actions/shell.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples, withSandboxOptions } from './shared-options.ts';

/** Adds `gantry shell`. */
export function addShell(program: Command, session: Session): void {
  const command = program
    .command('shell')
    .summary('open a shell in a sandbox')
    .description(
      'Open a shell in a fresh sandbox, which is destroyed after, or in an existing one: a real terminal ' +
        'where the provider has them, else a plain shell, line by line.',
    );
  withExamples(withCommonOptions(withSandboxOptions(command)), [
    'gantry shell',
    'gantry shell --manifest job.yaml',
    'gantry shell --sandbox 7f3a',
    'gantry shell < script.sh',
  ]).action(async (options: ShellActionOptions) => {
    applyCommonOptions(session, options);
    const { shell } = await import('../actions/shell.ts');
    session.exitCode = await shell(session, options);
  });
}
