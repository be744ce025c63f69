import { type Command, InvalidArgumentError } from 'commander';
import type { ConformanceFlags, MutantFlags } from '../actions/conformance.ts';
import type { Session } from '../session.ts';
import { withExamples } from './shared-options.ts';

/** Adds `gantry conformance` and its commands. */
export function addConformance(program: Command, session: Session): void {
  const conformance = program
    .command('conformance')
    .summary('prove that a provider keeps its promises')
    .description(
      'Run the conformance suite over a provider: a name, or the path of a module whose default export is one. ' +
        'Exit code 0 only when every selected profile is conformant.',
    )
    .argument('<provider>', 'local, or ./my-provider.mjs')
    .option('--profile <name>', 'run this profile only (may be repeated)', collect)
    .option('--report <file>', 'write the JSON report')
    .option('--junit <file>', 'write JUnit XML')
    .option('--html <file>', 'write a self-contained page')
    .option('--badge <file>', 'write badge JSON for shields.io')
    .option('--concurrency <number>', 'checks at a time (default: 4)', positive)
    .option(
      '--timeout-scale <factor>',
      "multiply every limit of time (default: what the provider's package says, else 1)",
      positive,
    )
    .option('--known-failures <file>', 'JSON of check ids and why each fails; strict')
    .option('--seed <number>', 'repeat a run', positive)
    .option(
      '--emulated',
      "run on an emulator of the provider's vendor; of a module's path: only say so in the report",
    )
    .option(
      '--egress',
      "enforce allow-lists, and keep secrets on this machine, by a proxy of gantry's; with --emulated, for the emulator's sandboxes",
    )
    .option('--on <provider>', 'with --emulated: makes the sandboxes (default: local)')
    .option(
      '--second <provider>',
      'where portability moves workspaces to, and back from (default: the provider itself, by commands alone)',
    )
    .option('--json', 'print the report on stdout');
  withExamples(conformance, [
    'gantry conformance local',
    'gantry conformance ./my-provider.mjs --profile core --report report.v1.json',
    'gantry conformance local --profile portability --second docker',
    'gantry conformance e2b --emulated --known-failures known.json',
    'gantry conformance list',
  ]).action(async (provider: string, options: ConformanceFlags) => {
    session.json = options.json ?? false;
    const { conformance: run } = await import('../actions/conformance.ts');
    session.exitCode = await run(session, provider, options);
  });

  conformance
    .command('list')
    .description('Print every check: id, level and what it looks for.')
    .option('--json', 'print one JSON document')
    // The parent has options of the same names, and would take them first.
    .action(async (_options: unknown, command: Command) => {
      const { json = false } = command.optsWithGlobals<{ json?: boolean }>();
      session.json = json;
      const { listChecks } = await import('../actions/conformance.ts');
      listChecks(session);
    });

  conformance
    .command('mutants')
    .description(
      'Break a sound provider in every known way and see that the suite notices. Exit code 0 when no mutant survives.',
    )
    .argument('[provider]', 'a provider that passes everything', 'local')
    .option('--json', 'print one JSON document')
    .option('--timeout-scale <factor>', 'multiply every limit of time', positive)
    .action(async (provider: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<MutantFlags>();
      session.json = options.json ?? false;
      const { killMutants } = await import('../actions/conformance.ts');
      session.exitCode = await killMutants(session, provider, options);
    });
}

function collect(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text];
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('Expected a number above 0.');
  }
  return value;
}
