import type { Call } from '../contract/call.ts';
import type { CreateRequest, DriverHandle } from '../contract/sandbox-driver.ts';
import type { Sandbox } from '../contract/sandbox.ts';
import type { ForkOptions, SandboxOrigin } from '../contract/snapshot-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { type ErrorContext, toSandboxError } from '../errors/to-sandbox-error.ts';
import { unsupported } from '../provider/capabilities.ts';
import { createRequest } from '../provider/create-request.ts';
import { operate } from '../provider/operate.ts';
import { forkedOrigin } from '../provider/origin.ts';
import type { Session } from '../provider/session.ts';
import { openSession } from './open-session.ts';

/** One way to make clones: at most so many at once, each settled, in the order of the requests. */
interface ForkWay {
  readonly origin: SandboxOrigin;
  readonly most: number;
  make(
    requests: readonly CreateRequest[],
    call: Call,
  ): Promise<readonly PromiseSettledResult<DriverHandle>[]>;
}

/**
 * Clones of a sandbox, each made a consumer's object by `own`: one settled result each, in order. On an abort those that
 * were made are destroyed.
 */
export async function forkSandbox(
  session: Session,
  count: number,
  options: ForkOptions,
  own: (clone: Session, origin: SandboxOrigin) => Sandbox,
): Promise<readonly PromiseSettledResult<Sandbox>[]> {
  const { driver, handle, capabilities } = session;
  const way = nativeFork(session);
  if (way === undefined) throw unsupported(driver.id, 'fork', 'fork');
  if (!Number.isInteger(count) || count < 1 || count > way.most) {
    const message = `fork: count must be a whole number from 1 to ${way.most}`;
    throw new SandboxError('invalid-argument', message, { operation: 'fork' });
  }
  const context = { provider: driver.id, operation: 'fork', ref: handle.ref };
  const requests = Array.from({ length: count }, () =>
    createRequest(capabilities, undefined, [], options),
  );
  return operate(
    context,
    options,
    async (call) => {
      const results = await way.make(requests, call);
      return results.map((result) =>
        settle(session, result, context, (clone) => own(clone, way.origin)),
      );
    },
    async (late) => {
      const made = late.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      await Promise.all(made.map((sandbox) => sandbox.destroy()));
    },
  );
}

function nativeFork({ driver, handle, capabilities }: Session): ForkWay | undefined {
  const { fork } = driver;
  if (!fork || !capabilities.fork) return undefined;
  return {
    origin: forkedOrigin(handle.ref, 'fork', ['processes', 'memory']),
    most: capabilities.fork.maxPerCall,
    make: (requests, call) => fork.fork(handle, requests, call),
  };
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
