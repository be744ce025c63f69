import { SandboxError } from '@gantry/core/driver';
import { fromVendor, unlessMissing } from './errors.ts';
import { stateOf } from './inventory.ts';
import type { Sandbox } from './sdk.ts';

/**
 * Why a sandbox's daemon did not do what it was asked: the vendor's router says little of a sandbox that is gone or stopped,
 * and the API knows.
 */
export async function explained(error: unknown, sandbox: Sandbox): Promise<unknown> {
  const said = fromVendor(error);
  if (SandboxError.is(said) && !vague.has(said.code)) return said;
  const { id } = sandbox;
  const found = await unlessMissing(async () => {
    await sandbox.refreshData();
    return sandbox;
  });
  if (!found) return new SandboxError('not-found', `there is no sandbox ${id}`, { cause: error });
  const { state } = stateOf(found);
  if (state !== 'running') {
    const message = `sandbox ${id} is ${state}`;
    return new SandboxError('failed-precondition', message, { cause: error });
  }
  // What is missing is not the sandbox, which such an error would say of a command.
  if (!SandboxError.is(said) || said.code !== 'not-found') return said;
  return new SandboxError('unavailable', said.message, { cause: error, outcome: 'unknown' });
}

/** What the router says of many things. */
const vague: ReadonlySet<string> = new Set(['invalid-argument', 'not-found', 'unavailable']);
