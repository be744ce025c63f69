import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../duration.ts';

/** Adds the options that every command has. */
export function withCommonOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--provider <name>',
        'provider to use: a name, for @gantry/provider-NAME, or the path of a module',
      )
        .env('GANTRY_PROVIDER')
        .default('local'),
    )
    .addOption(
      new Option(
        '--egress',
        'enforce allow-lists, and keep secrets on this machine, by a proxy of gantry’s (local, docker)',
      ).env('GANTRY_EGRESS'),
    )
    .option('--json', 'print one JSON document on stdout, also for an error')
    .option('--verbose', 'say on stderr what is being done');
}

/** Adds the option that says where durable runs are kept. */
export function withStateOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--state <directory>',
      'where runs and their snapshots are kept (default: $XDG_STATE_HOME/gantry)',
    ).env('GANTRY_STATE'),
  );
}

/** Adds the options that say which sandbox a command uses. */
export function withSandboxOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--sandbox <id>',
        'use this sandbox (id or unique prefix) instead of a fresh one',
      ).conflicts(['manifest', 'image', 'keep', 'lifetime']),
    )
    .option('--image <name>', 'image or template of a fresh sandbox, instead of the manifest’s')
    .option('--manifest <file>', 'what a fresh sandbox contains (YAML or JSON)')
    .option('--keep', 'leave a fresh sandbox running')
    .option(
      '--lifetime <duration>',
      'a fresh sandbox ends by itself after this (default: 1h)',
      parseDuration,
    );
}

/** Adds the options that say where snapshots are. */
export function withStoreOptions(command: Command): Command {
  return withCommonOptions(command)
    .addOption(
      new Option(
        '--store <directory>',
        'where snapshots are kept (default: gantry/snapshots in the state directory)',
      ).env('GANTRY_SNAPSHOTS'),
    )
    .addOption(
      new Option(
        '--key-file <file>',
        'key of an encrypted store: 32 bytes, or 64 hexadecimal digits',
      ).env('GANTRY_SNAPSHOT_KEY_FILE'),
    );
}

/** Collects repeated words. */
export function collectWords(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text];
}

/** Collects repeated `NAME=VALUE`. */
export function collectPairs(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('Expected NAME=VALUE.');
  return { ...previous, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** Collects repeated `NAME=VALUE`, and `NAME` alone with its value taken from gantry's environment. */
export function collectEnvironment(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  if (text.includes('=')) return collectPairs(text, previous);
  const value = process.env[text];
  if (value === undefined) {
    throw new InvalidArgumentError(
      `Expected NAME=VALUE; this environment has no ${text} to pass on.`,
    );
  }
  return { ...previous, [text]: value };
}

/** A whole number of bytes. */
export function parseBytes(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a number of bytes.');
  return Number(text);
}

/** Adds examples below the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText(
    'after',
    ['', 'Examples:', ...examples.map((line) => `  ${line}`)].join('\n'),
  );
}
