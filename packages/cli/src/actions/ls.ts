import type { SandboxSummary } from '@gantry/core';
import { formatDuration } from '../duration.ts';
import { note, print, printJson } from '../output/print.ts';
import { table } from '../output/table.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { listSandboxes } from '../sandbox/find-sandbox.ts';
import type { CommonOptions, Session } from '../session.ts';

/** Options of `gantry ls`. */
export interface LsActionOptions extends CommonOptions {
  readonly label?: Readonly<Record<string, string>>;
}

/** `gantry ls`: the sandboxes of a provider. Returns the exit code. */
export async function ls(session: Session, options: LsActionOptions): Promise<number> {
  const provider = await loadProvider(options.provider, options.egress);
  const { signal } = session.interrupts;
  const { sandboxes, problem } = await listSandboxes(provider, signal, options.label ?? {});
  if (problem !== undefined && session.json) {
    session.besideError = { sandboxes };
    throw problem;
  }
  if (session.json) printJson({ sandboxes });
  else if (sandboxes.length === 0) note(`provider ${provider.id} has no sandboxes`);
  else print(table(['ID', 'STATE', 'AGE', 'ENDS IN', 'LABELS'], sandboxes.map(row)));
  if (problem !== undefined) throw problem;
  return 0;
}

function row({ ref, state, createdAt, expiresAt, labels }: SandboxSummary): readonly string[] {
  const now = Date.now();
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [
    ref.id,
    state,
    formatDuration(now - createdAt),
    expiresAt === undefined ? '-' : formatDuration(expiresAt - now),
    pairs.length === 0 ? '-' : pairs.join(' '),
  ];
}
