import {
  type Provider,
  parseRef,
  SandboxError,
  type SandboxRef,
  type SandboxSummary,
} from '@gantry/core';
import { GANTRY_FAILED } from '../exit-codes.ts';
import { CliError } from '../errors/cli-error.ts';

/** What a provider says of its sandboxes. */
export interface Listing {
  /** The newest last. */
  readonly sandboxes: readonly SandboxSummary[];
  /** The `data-loss` of those that the provider could not tell of, if there are any. */
  readonly problem?: SandboxError;
}

/** Every sandbox of a provider. Whoever shows `sandboxes` must tell of the `problem` too. */
export async function listSandboxes(
  provider: Provider,
  signal: AbortSignal,
  labels: Readonly<Record<string, string>> = {},
): Promise<Listing> {
  const found: SandboxSummary[] = [];
  let problem: SandboxError | undefined;
  try {
    for await (const summary of provider.list({ signal, labels })) found.push(summary);
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'data-loss') throw error;
    problem = error;
  }
  const sandboxes = found.toSorted((one, other) => one.createdAt - other.createdAt);
  return problem === undefined ? { sandboxes } : { sandboxes, problem };
}

/**
 * The one sandbox whose id is `text` or begins with it. A provider without an inventory is asked for
 * exactly that id. None, or several: a `CliError` that says so, with `exitCode`.
 */
export async function findSandbox(
  provider: Provider,
  text: string,
  signal: AbortSignal,
  exitCode: number = GANTRY_FAILED,
): Promise<SandboxRef> {
  if (provider.capabilities.inventory === undefined) {
    return exactSandbox(provider, text, signal, exitCode);
  }
  const { sandboxes, problem } = await listSandboxes(provider, signal);
  const exact = sandboxes.find(({ ref }) => ref.id === text);
  if (exact !== undefined) return exact.ref;
  // One that could not be told of may be meant.
  if (problem !== undefined) throw problem;
  return pickSandbox(sandboxes, text, provider.id, exitCode);
}

/** The one of `summaries` whose id begins with `text`. */
function pickSandbox(
  summaries: readonly SandboxSummary[],
  text: string,
  provider: string,
  exitCode: number,
): SandboxRef {
  const matches = summaries.filter(({ ref }) => text !== '' && ref.id.startsWith(text));
  const [only] = matches;
  if (only === undefined) throw noSuchSandbox(text, provider, exitCode);
  if (matches.length === 1) return only.ref;
  const ids = matches.map(({ ref }) => ref.id);
  throw new CliError(`${text} could be ${ids.length} sandboxes: ${ids.join(', ')}`, {
    hint: 'Give more of the id.',
    details: { matches: ids },
    exitCode,
  });
}

async function exactSandbox(
  provider: Provider,
  id: string,
  signal: AbortSignal,
  exitCode: number,
): Promise<SandboxRef> {
  const ref = parseRef({ spec: 'gantry-ref/1', provider: provider.id, id });
  const { state } = await provider.inspect(ref, { signal });
  if (state === 'gone') throw noSuchSandbox(id, provider.id, exitCode);
  return ref;
}

function noSuchSandbox(id: string, provider: string, exitCode: number): CliError {
  return new CliError(`provider ${provider} has no sandbox ${JSON.stringify(id)}`, {
    code: 'not-found',
    hint: 'See which there are: gantry ls',
    exitCode,
  });
}
