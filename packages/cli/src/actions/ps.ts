import {
  type ProcessSummary,
  type Provider,
  type Sandbox,
  SandboxError,
  type SandboxRef,
} from '@gantry/core';
import { note, print, printJson } from '../output/print.ts';
import { table } from '../output/table.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { findSandbox, listSandboxes } from '../sandbox/find-sandbox.ts';
import type { CommonOptions, Session } from '../session.ts';

interface Listed extends ProcessSummary {
  /** The id of the sandbox that it runs in. */
  readonly sandbox: string;
}

/** `gantry ps`: the processes of one sandbox, or of all that run. Returns the exit code. */
export async function ps(
  session: Session,
  id: string | undefined,
  options: CommonOptions,
): Promise<number> {
  const provider = await loadProvider(options.provider, options.egress);
  const { processes, problem } =
    id === undefined
      ? await everywhere(session, provider)
      : { processes: await inOne(session, provider, id) };
  if (problem !== undefined && session.json) {
    session.besideError = { processes };
    throw problem;
  }
  if (session.json) printJson({ processes });
  else if (processes.length === 0) note(`provider ${provider.id} has no sandboxes that run`);
  else print(table(['SANDBOX', 'ID', 'PID', 'COMMAND'], processes.map(row)));
  if (problem !== undefined) throw problem;
  return 0;
}

async function inOne(session: Session, provider: Provider, id: string): Promise<readonly Listed[]> {
  const { signal } = session.interrupts;
  return processesOf(session, provider, await findSandbox(provider, id, signal));
}

async function everywhere(
  session: Session,
  provider: Provider,
): Promise<{ readonly processes: readonly Listed[]; readonly problem?: SandboxError }> {
  const processes: Listed[] = [];
  const { sandboxes, ...rest } = await listSandboxes(provider, session.interrupts.signal);
  for (const { ref, state } of sandboxes) {
    if (state !== 'running') continue;
    try {
      processes.push(...(await processesOf(session, provider, ref)));
    } catch (error) {
      // It has ended since it was listed.
      if (!SandboxError.is(error) || !['not-found', 'unavailable'].includes(error.code))
        throw error;
    }
  }
  return { processes, ...rest };
}

async function processesOf(
  session: Session,
  provider: Provider,
  ref: SandboxRef,
): Promise<readonly Listed[]> {
  const { signal } = session.interrupts;
  const sandbox: Sandbox = await provider.connect(ref, { signal });
  try {
    const processes = await sandbox.processes({ signal });
    return processes.map((process) => ({ sandbox: ref.id, ...process }));
  } finally {
    await sandbox.release();
  }
}

function row({ sandbox, id, pid, command }: Listed): readonly string[] {
  return [sandbox.slice(0, 12), id, pid === undefined ? '-' : String(pid), command];
}
