import { type Provider, parseRef, type SandboxRef, type SandboxSummary } from '@gantry/core';
import { GANTRY_FAILED } from '../exit-codes.ts';
import { CliError } from '../errors/cli-error.ts';

/** Every sandbox of a provider, the newest last. */
export async function listSandboxes(
  provider: Provider,
  signal: AbortSignal,
  labels: Readonly<Record<string, string>> = {},
): Promise<readonly SandboxSummary[]> {
  const found: SandboxSummary[] = [];
  for await (const summary of provider.list({ signal, labels })) found.push(summary);
  return found.toSorted((one, other) => one.createdAt - other.createdAt);
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
  return pickSandbox(await listSandboxes(provider, signal), text, provider.id, exitCode);
}

/** The one of `summaries` that `text` names. */
function pickSandbox(
  summaries: readonly SandboxSummary[],
  text: string,
  provider: string,
  exitCode: number,
): SandboxRef {
  const exact = summaries.find(({ ref }) => ref.id === text);
  if (exact !== undefined) return exact.ref;
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
