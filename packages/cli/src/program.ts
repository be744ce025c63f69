import { Command } from 'commander';
import { readPackage } from './provider/read-package.ts';
import type { Session } from './session.ts';

/** Adds one command, with its options and help, to the program. */
type AddCommand = (program: Command, session: Session) => void;

/** The commands in the order of the help. Each is loaded only when it is needed: start-up must be quick. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  exec: async () => (await import('./commands/exec.ts')).addExec,
  shell: async () => (await import('./commands/shell.ts')).addShell,
  run: async () => (await import('./commands/run.ts')).addRun,
  ls: async () => (await import('./commands/ls.ts')).addLs,
  ps: async () => (await import('./commands/ps.ts')).addPs,
  destroy: async () => (await import('./commands/destroy.ts')).addDestroy,
  snapshot: async () => (await import('./commands/snapshot.ts')).addSnapshot,
  rehydrate: async () => (await import('./commands/rehydrate.ts')).addRehydrate,
  runs: async () => (await import('./commands/runs.ts')).addRuns,
  resume: async () => (await import('./commands/runs.ts')).addResume,
  watch: async () => (await import('./commands/runs.ts')).addWatch,
  approve: async () => (await import('./commands/runs.ts')).addApprove,
  reap: async () => (await import('./commands/runs.ts')).addReap,
  provenance: async () => (await import('./commands/provenance.ts')).addProvenance,
  erase: async () => (await import('./commands/runs.ts')).addErase,
  egress: async () => (await import('./commands/egress.ts')).addEgress,
  manifest: async () => (await import('./commands/manifest.ts')).addManifest,
  providers: async () => (await import('./commands/providers.ts')).addProviders,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  emulate: async () => (await import('./commands/emulate.ts')).addEmulate,
  mcp: async () => (await import('./commands/mcp.ts')).addMcp,
  conformance: async () => (await import('./commands/conformance.ts')).addConformance,
};

/**
 * The command line, as far as `first`, the first word after `gantry`, needs it. Parsing throws a
 * `CommanderError` instead of ending the process; usage errors are left to whoever catches it.
 */
export async function createProgram(session: Session, first: string | undefined): Promise<Command> {
  const program = new Command('gantry')
    .description('Run agent work in any sandbox.')
    .version(readPackage(new URL('../package.json', import.meta.url)).version, '-V, --version')
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .enablePositionalOptions()
    .addHelpText('after', '\nStart here:\n  gantry doctor\n  gantry exec -- echo hello');
  for (const add of await Promise.all(needed(first).map((load) => load()))) add(program, session);
  return program;
}

/** The one command that is asked for, none for the version, and all where any may be meant. */
function needed(first: string | undefined): readonly (() => Promise<AddCommand>)[] {
  if (first === '--version' || first === '-V') return [];
  const one = Object.hasOwn(commands, first ?? '') ? commands[first ?? ''] : undefined;
  return one === undefined ? Object.values(commands) : [one];
}
