import type { Command } from 'commander';
import type { RunActionOptions } from '../actions/run.ts';
import { parseDuration } from '../duration.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry run`. */
export function addRun(program: Command, session: Session): void {
  const command = program
    .command('run')
    .summary('create a sandbox from a manifest, run a command, fetch the outputs')
    .description(
      'Create a sandbox from a manifest, run a command in it if one is given, fetch the manifest’s outputs, ' +
        'and destroy the sandbox. What was done is summed up on stderr.',
    )
    .usage('[options] MANIFEST [-- COMMAND [ARG...]]')
    .argument('<manifest>', 'manifest file (YAML or JSON)')
    .argument('[command...]', 'program and arguments, after --')
    .option('--output <directory>', 'where the outputs go', './gantry-output')
    .option('--keep', 'leave the sandbox running, and print its id')
    .option('--plan', 'print what would be done, and do nothing')
    .option('--timeout <duration>', 'kill the command after this; exit code 124', parseDuration)
    .option(
      '--lifetime <duration>',
      'the sandbox ends by itself after this (default: the manifest’s, else 1h)',
      parseDuration,
    );
  withExamples(withCommonOptions(command), [
    'gantry run job.yaml -- ./build.sh --release',
    'gantry run job.yaml --output results -- make',
    'gantry run job.yaml --plan',
    'gantry run job.yaml --keep',
  ]).action(async (manifest: string, words: readonly string[], options: RunActionOptions) => {
    applyCommonOptions(session, options);
    const { run } = await import('../actions/run.ts');
    session.exitCode = await run(session, manifest, words, options);
  });
}
