import { CommanderError } from 'commander';
import { GANTRY_FAILED } from './exit-codes.ts';
import { CliError } from './errors/cli-error.ts';
import { Interrupts } from './interrupts.ts';
import { flush } from './output/print.ts';
import { createProgram } from './program.ts';
import type { Session } from './session.ts';

const interrupts = new Interrupts();
const session: Session = {
  interrupts,
  json: false,
  verbose: false,
  exitCode: 0,
  besideError: {},
};

interrupts.listen();
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: Error) => interrupts.outputFailed(error));
let finished = false;
process.once('exit', sayWhenUnfinished);
void main(process.argv).then(finish);

async function finish(exitCode: number): Promise<void> {
  await flush();
  finished = true;
  // Not left to the event loop: a provider may hold connections that would keep it alive.
  process.exit(outputExitCode() ?? exitCode);
}

/** The event loop can run dry when a provider waits for something that never comes. */
function sayWhenUnfinished(): void {
  if (finished || process.exitCode !== undefined) return;
  process.stderr.write('gantry: the provider stopped working without an answer\n');
  process.exitCode = GANTRY_FAILED;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(session, argv[2]);
    await program.parseAsync(argv);
    return session.exitCode;
  } catch (error) {
    return failed(error);
  }
}

/** The exit code that a lost output has set, which outweighs whatever else happened. */
function outputExitCode(): number | undefined {
  return interrupts.outputLost ? interrupts.exitCode : undefined;
}

async function failed(error: unknown): Promise<number> {
  // What stopped the work was said already, or nobody is left to read it.
  if (interrupts.outputLost) return GANTRY_FAILED;
  const { reportError } = await import('./errors/report-error.ts');
  if (!(error instanceof CommanderError)) return reportError(session, error);
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  // Help was asked for by giving no command: it is on stderr already.
  if (error.code === 'commander.help') return GANTRY_FAILED;
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  session.json ||= asksForJson(process.argv);
  const hint = rest.join(' ').trim() || 'See: gantry --help, gantry COMMAND --help';
  return reportError(session, new CliError(message, { hint, details: { reason: error.code } }));
}

/** Of a command line that could not be parsed: whether gantry itself was asked for JSON. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}
