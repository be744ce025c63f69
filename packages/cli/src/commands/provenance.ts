import { type Command, Option } from 'commander';
import type { ExportActionOptions, VerifyActionOptions } from '../actions/provenance.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples, withStateOption } from './shared-options.ts';

/** Adds `gantry provenance`. */
export function addProvenance(program: Command, session: Session): void {
  const group = program
    .command('provenance')
    .summary('verify and export the record of a durable run')
    .description('Verify and export the record of a durable run.');
  const verify = group
    .command('verify')
    .summary('say whether the record is what was written')
    .description(
      'Say whether a run’s record is what was written: nothing edited, left out, moved or cut off.',
    )
    .argument('<run>', 'id of the run')
    .option('--public-key <file>', 'trust this Ed25519 key (PEM) in place of your own');
  withExamples(withStateOption(withCommonOptions(verify)), [
    'gantry provenance verify 3f0c52d1',
  ]).action(async (run: string, options: VerifyActionOptions) => {
    applyCommonOptions(session, options);
    const actions = await import('../actions/provenance.ts');
    session.exitCode = await actions.verify(session, run, options);
  });
  const exporting = group
    .command('export')
    .summary('print the record for other tools')
    .description(
      'Print a run’s record: in-toto statement, OpenTelemetry trace (OTLP JSON), or its events as JSON lines.',
    )
    .argument('<run>', 'id of the run')
    .addOption(
      new Option('--format <format>', 'form of the record')
        .choices(['intoto', 'otel', 'jsonl'])
        .default('jsonl'),
    );
  withExamples(withStateOption(withCommonOptions(exporting)), [
    'gantry provenance export 3f0c52d1 --format intoto',
  ]).action(async (run: string, options: ExportActionOptions) => {
    applyCommonOptions(session, options);
    const actions = await import('../actions/provenance.ts');
    session.exitCode = await actions.exportProvenance(run, options);
  });
}
