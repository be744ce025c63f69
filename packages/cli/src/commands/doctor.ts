import type { Command } from 'commander';
import { applyCommonOptions, type CommonOptions, type Session } from '../session.ts';
import { withCommonOptions, withExamples } from './shared-options.ts';

/** Adds `gantry doctor`. */
export function addDoctor(program: Command, session: Session): void {
  const command = program
    .command('doctor')
    .summary('say what this machine can do, and why not')
    .description(
      'Say what this machine can do, and why not. Exit code 0 when at least one provider can run, else 1.',
    );
  withExamples(withCommonOptions(command), ['gantry doctor', 'gantry doctor --json']).action(
    async (options: CommonOptions) => {
      applyCommonOptions(session, options);
      const { doctor } = await import('../actions/doctor.ts');
      session.exitCode = await doctor(session, options);
    },
  );
}
