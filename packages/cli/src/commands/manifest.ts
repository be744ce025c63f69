import type { Command } from 'commander';
import { applyCommonOptions, type CommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry manifest` and its commands. */
export function addManifest(program: Command, session: Session): void {
  const manifest = program
    .command('manifest')
    .summary('check a manifest, plan it, print the schema')
    .description('Check a manifest, see what it would do, print its JSON Schema.');

  withExamples(
    withCommonOptions(
      manifest
        .command('check')
        .description(
          'Check a manifest file. What is wrong is named with file, line and column; exit code 1.',
        )
        .argument('<file>', 'manifest file (YAML or JSON)'),
    ),
    ['gantry manifest check job.yaml'],
  ).action(async (file: string, options: CommonOptions) => {
    applyCommonOptions(session, options);
    const { checkManifest } = await import('../actions/check-manifest.ts');
    session.exitCode = await checkManifest(session, file);
  });

  withExamples(
    withCommonOptions(
      manifest
        .command('plan')
        .description(
          'Print what a sandbox made from a manifest would contain, and what the provider would refuse. ' +
            'Local sources are read; nothing is created. Exit code 1 when there is something to refuse.',
        )
        .argument('<file>', 'manifest file (YAML or JSON)'),
    ),
    ['gantry manifest plan job.yaml', 'gantry manifest plan job.yaml --json'],
  ).action(async (file: string, options: CommonOptions) => {
    applyCommonOptions(session, options);
    const { printPlan } = await import('../actions/print-plan.ts');
    session.exitCode = await printPlan(session, file, options);
  });

  withExamples(
    withCommonOptions(
      manifest
        .command('schema')
        .description('Print the JSON Schema of manifests, for editors and checkers.'),
    ),
    ['gantry manifest schema > manifest.schema.json'],
  ).action(async (options: CommonOptions) => {
    applyCommonOptions(session, options);
    const { printSchema } = await import('../actions/print-schema.ts');
    session.exitCode = await printSchema();
  });
}
