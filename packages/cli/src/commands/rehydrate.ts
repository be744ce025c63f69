import type { Command } from 'commander';
import type { RehydrateActionOptions } from '../actions/rehydrate.ts';
import { parseDuration } from '../duration.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withExamples, withStoreOptions } from './shared-options.ts';

/** Adds `gantry rehydrate`. */
export function addRehydrate(program: Command, session: Session): void {
  const command = program
    .command('rehydrate')
    .summary('make a sandbox with the contents of a snapshot')
    .description(
      'Make a new sandbox with the contents of a snapshot, each byte checked against its digest, and print its id. ' +
        'It is left running.',
    )
    .argument('<snapshot>', 'id of a snapshot, or a unique prefix of at least 4 digits')
    .option('--verify', 'read the whole workspace back, and compare its digest')
    .option('--manifest <file>', 'what the sandbox needs; its contents come from the snapshot')
    .option('--lifetime <duration>', 'the sandbox ends by itself after this', parseDuration);
  withExamples(withStoreOptions(command), [
    'gantry rehydrate 91be',
    'gantry exec --sandbox "$(gantry rehydrate 91be)" -- ls',
  ]).action(async (id: string, options: RehydrateActionOptions) => {
    applyCommonOptions(session, options);
    const { rehydrate } = await import('../actions/rehydrate.ts');
    session.exitCode = await rehydrate(session, id, options);
  });
}
