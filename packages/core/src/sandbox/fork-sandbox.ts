import type { OperationOptions } from '../contract/call.ts';
import type { SandboxDriver } from '../contract/sandbox-driver.ts';
import type { Sandbox } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { type ErrorContext, toSandboxError } from '../errors/to-sandbox-error.ts';
import { createRequest } from '../provider/create-request.ts';
import { operate } from '../provider/operate.ts';
import type { Session } from '../provider/session.ts';
import { openSession } from './open-session.ts';

/** Native clones of a sandbox, each made a consumer's object by `own`: one settled result each, in order. On an abort those that were made are destroyed. */
export async function forkSandbox(
  session: Session,
  capability: NonNullable<SandboxDriver['fork']>,
  count: number,
  options: OperationOptions,
  own: (clone: Session) => Sandbox,
): Promise<readonly PromiseSettledResult<Sandbox>[]> {
  const { driver, handle, capabilities } = session;
  const most = capabilities.fork?.maxPerCall ?? 0;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    const message = `fork: count must be a whole number from 1 to ${most}`;
    throw new SandboxError('invalid-argument', message, { operation: 'fork' });
  }
  const context = { provider: driver.id, operation: 'fork', ref: handle.ref };
  const requests = Array.from({ length: count }, () =>
    createRequest(capabilities, undefined, [], {}),
  );
  return operate(
    context,
    options,
    async (call) => {
      const results = await capability.fork(handle, requests, call);
      return results.map((result) => settle(session, result, context, own));
    },
    async (late) => {
      const made = late.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      await Promise.all(made.map((sandbox) => sandbox.destroy()));
    },
  );
}

function settle(
  session: Session,
  result: PromiseSettledResult<Session['handle']>,
  context: ErrorContext,
  own: (clone: Session) => Sandbox,
): PromiseSettledResult<Sandbox> {
  if (result.status === 'rejected') {
    return { status: 'rejected', reason: toSandboxError(result.reason, context) };
  }
  const clone = openSession(session.driver, session.capabilities, result.value);
  return { status: 'fulfilled', value: own(clone) };
}
