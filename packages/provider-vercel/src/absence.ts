import { SandboxError } from '@gantry/core/driver';
import { findSandbox } from './create.ts';
import { fromVendor, sessionIsOver } from './errors.ts';
import type { VercelHandle } from './handle.ts';
import type { VendorAccess } from './options.ts';
import { isOver, statusOf } from './tags.ts';

/**
 * Why a session's call was refused. The SDK's answer to a session that is over is to start another, without the processes of the
 * first; here that is told, and only `resume` does so.
 */
export async function explained(
  error: unknown,
  { ref, sandbox: known }: VercelHandle,
  access: VendorAccess,
): Promise<unknown> {
  if (!sessionIsOver(error)) return fromVendor(error);
  const sandbox = await findSandbox(access, ref.id);
  if (!sandbox || isOver(sandbox)) {
    return new SandboxError('not-found', `there is no sandbox ${ref.id}`, { cause: error });
  }
  const { state } = statusOf(lifeOf(sandbox));
  const other = sandbox.currentSession().sessionId !== known.currentSession().sessionId;
  const message =
    state === 'running' && other
      ? `sandbox ${ref.id} was stopped and goes on in another session; connect to it again`
      : `sandbox ${ref.id} is ${state}`;
  return new SandboxError('failed-precondition', message, { cause: error });
}

/** What of the SDK's object tells where a sandbox is in its life. */
export function lifeOf(sandbox: NonNullable<Awaited<ReturnType<typeof findSandbox>>>): {
  readonly status: string;
  readonly persistent: boolean;
  readonly tags: Record<string, string> | undefined;
  readonly expiresAt: number | undefined;
} {
  const { status, persistent, tags, expiresAt } = sandbox;
  return { status, persistent, tags, expiresAt: expiresAt?.getTime() };
}
