import { type Command, InvalidArgumentError } from 'commander';
import type { McpActionOptions } from '../actions/mcp.ts';
import { parseDuration } from '../duration.ts';
import { applyCommonOptions, type Session } from '../session.ts';
import { collectWords, withExamples, withStoreOptions } from './shared-options.ts';

/** Adds `gantry mcp`. */
export function addMcp(program: Command, session: Session): void {
  const command = program
    .command('mcp')
    .summary('give any MCP client a sandbox with tools')
    .description(
      'Serve the Model Context Protocol: each client gets a sandbox of its own, with a shell, patches, file tools, ' +
        'snapshots and forks. Over standard input and output, or with --http on 127.0.0.1, where the printed token is ' +
        'needed: whoever has it can run code on the provider.',
    )
    .option('--manifest <file>', 'what a fresh sandbox contains (YAML or JSON)')
    .option('--image <name>', 'image or template of a fresh sandbox, instead of the manifest’s')
    .option(
      '--lifetime <duration>',
      'a sandbox ends by itself after this (default: 1h)',
      parseDuration,
    )
    .option('--http', 'serve many clients over streamable HTTP instead')
    .option('--port <number>', 'port to listen on (default: a free one)', parseNumber)
    .option('--origin <url>', 'a web page’s origin that may ask; may be repeated', collectWords)
    .option(
      '--max-sandboxes <number>',
      'sandboxes of one client at once (default: 8)',
      parseNumber,
    );
  withExamples(withStoreOptions(command), [
    'gantry mcp',
    'gantry mcp --provider docker --manifest m.yaml',
    'gantry mcp --http --port 3456',
  ]).action(async (options: McpActionOptions) => {
    applyCommonOptions(session, options);
    const { mcp } = await import('../actions/mcp.ts');
    session.exitCode = await mcp(session, options);
  });
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  throw new InvalidArgumentError('Expected a whole number from 1 to 65535.');
}
