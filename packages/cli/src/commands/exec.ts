import type { Command } from 'commander';
import type { ExecActionOptions } from '../actions/exec.ts';
import { parseDuration } from '../duration.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import {
  collectEnvironment,
  parseBytes,
  withCommonOptions,
  withExamples,
  withSandboxOptions,
} from './shared-options.ts';

const DEFAULT_MAX_OUTPUT = 10 * 1024 * 1024;

/** Adds `gantry exec`. */
export function addExec(program: Command, session: Session): void {
  const command = program
    .command('exec')
    .summary('run a command in a sandbox')
    .description(
      'Run a command in a fresh sandbox, which is destroyed after, or in an existing one. Input, output, ' +
        'errors, signals and the exit code pass through.',
    )
    .usage("[options] -- COMMAND [ARG...]\n       gantry exec [options] -c 'SHELL LINE'")
    .argument('[command...]', 'program and arguments, which no shell touches')
    .option('-c, --command <line>', 'a line for /bin/sh, instead of program and arguments')
    .option('--cwd <directory>', 'where it runs (default: /workspace)')
    .option(
      '-e, --env <NAME=VALUE>',
      'environment variable; NAME alone passes on your own',
      collectEnvironment,
    )
    .option(
      '--timeout <duration>',
      'kill it after this: 90 (seconds), 1m30s, 500ms; exit code 124',
      parseDuration,
    )
    .option('-n, --no-stdin', 'give it no input')
    .option(
      '--max-output <bytes>',
      'with --json: how much to keep of each output',
      parseBytes,
      DEFAULT_MAX_OUTPUT,
    )
    // What follows the first word belongs to the command, even if it looks like an option.
    .passThroughOptions();
  withExamples(withCommonOptions(withSandboxOptions(command)), [
    'gantry exec -- uname -a',
    "gantry exec -c 'cat /etc/os-release | head -1'",
    'tar c src | gantry exec -- tar t',
    'gantry exec --keep --manifest job.yaml -- ./build.sh',
    'gantry exec --sandbox 7f3a --timeout 1m30s --env LEVEL=2 -- ./test.sh',
  ]).action(async (words: readonly string[], options: ExecActionOptions) => {
    applyCommonOptions(session, options);
    const { exec } = await import('../actions/exec.ts');
    session.exitCode = await exec(session, words, options);
  });
}
