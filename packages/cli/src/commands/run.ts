import type { Command } from 'commander';
import type { RunActionOptions } from '../actions/run.ts';
import type { RunModuleOptions } from '../actions/run-module.ts';
import { parseDuration } from '../duration.ts';
import { CliError } from '../errors/cli-error.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples, withStateOption } from './shared-options.ts';

type Options = RunActionOptions & RunModuleOptions;

/** Adds `gantry run`. */
export function addRun(program: Command, session: Session): void {
  const command = program
    .command('run')
    .summary('run a command in a sandbox made of a manifest, or a durable run of a module')
    .description(
      'Create a sandbox from a manifest, run a command in it if one is given, fetch the manifest’s outputs, ' +
        'and destroy the sandbox. What was done is summed up on stderr.\n\n' +
        'With a module (.js, .mjs, .ts, .mts), whose default export is a function of a run: begin a durable run, or go on ' +
        'with the run of --id. Its result is printed as JSON.',
    )
    .usage('[options] MANIFEST|MODULE [-- COMMAND [ARG...]]')
    .argument('<file>', 'manifest (YAML or JSON), or module of a durable run')
    .argument('[command...]', 'program and arguments, after --')
    .option('--output <directory>', 'where the outputs go', './gantry-output')
    .option('--keep', 'leave the sandbox running, and print its id')
    .option('--image <name>', 'image or template of the sandbox, instead of the manifest’s')
    .option('--plan', 'print what would be done, and do nothing')
    .option('--timeout <duration>', 'kill the command after this; exit code 124', parseDuration)
    .option(
      '--lifetime <duration>',
      'the sandbox ends by itself after this (default: the manifest’s, else 1h)',
      parseDuration,
    )
    .option('--id <run>', 'durable run: its id; one that is there goes on')
    .option('--input <json>', 'durable run: what it is started with');
  withExamples(withStateOption(withCommonOptions(command)), [
    'gantry run job.yaml -- ./build.sh --release',
    'gantry run job.yaml --output results -- make',
    'gantry run job.yaml --plan',
    'gantry run job.yaml --keep',
    'gantry run job.ts --id nightly-7',
  ]).action(async (manifest: string, words: readonly string[], options: Options) => {
    applyCommonOptions(session, options);
    if (/\.m?[jt]s$/.test(manifest)) {
      if (options.image !== undefined)
        throw new CliError('--image is for a manifest: a module makes its own sandboxes');
      const { runModule } = await import('../actions/run-module.ts');
      session.exitCode = await runModule(session, manifest, options);
      return;
    }
    const { run } = await import('../actions/run.ts');
    session.exitCode = await run(session, manifest, words, options);
  });
}
