import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EmulateActionOptions } from '../actions/emulate.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { withExamples } from './shared-options.ts';

/** Adds `gantry emulate`. */
export function addEmulate(program: Command, session: Session): void {
  const command = program
    .command('emulate')
    .summary("serve a vendor's API with sandboxes of your own")
    .description(
      "Serve a vendor's API on this machine, with real sandboxes of any provider, until it is stopped. Prints the " +
        "environment variables that lead a program written for the vendor's SDK here. They hold a new key: " +
        'whoever has it can run code on the provider. Listens on 127.0.0.1 only.',
    )
    .argument('<vendor>', 'daytona, e2b or vercel')
    .addOption(
      new Option('--on <provider>', 'makes the sandboxes: a name, or the path of a module')
        .env('GANTRY_PROVIDER')
        .default('local'),
    )
    .option('--port <number>', 'port to listen on (default: a free one)', parsePort)
    .option('--record <file>', 'add every request and answer to this file, secrets left out')
    .option('--json', 'print one JSON document on stdout, also for an error')
    .option('--verbose', 'say on stderr what is being done');
  withExamples(command, [
    'gantry emulate e2b --on local --port 3999',
    'gantry emulate daytona --record requests.jsonl',
    'gantry emulate vercel',
  ]).action(async (vendor: string, options: EmulateActionOptions) => {
    applyCommonOptions(session, { ...options, provider: options.on });
    const { emulate } = await import('../actions/emulate.ts');
    session.exitCode = await emulate(session, vendor, options);
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('Expected a port number.');
}
