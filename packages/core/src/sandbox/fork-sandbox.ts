import type { Call } from '../contract/call.ts';
import type { CreateRequest } from '../contract/create-request.ts';
import type { DriverHandle } from '../contract/sandbox-driver.ts';
import type { Sandbox } from '../contract/sandbox.ts';
import type { SnapshotStore } from '../contract/snapshot-store.ts';
import type { ForkOptions, SandboxOrigin } from '../contract/snapshot-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { type ErrorContext, toSandboxError } from '../errors/to-sandbox-error.ts';
import { unsupported } from '../provider/capabilities.ts';
import { createRequest } from '../provider/create-request.ts';
import { operate } from '../provider/operate.ts';
import { forkedOrigin, lostWith } from '../provider/origin.ts';
import type { Session } from '../provider/session.ts';
import { takeSnapshot } from '../snapshot/capture/take-snapshot.ts';
import { openRepository } from '../snapshot/repository/open-repository.ts';
import { fillWorkspace } from '../snapshot/restore/fill-workspace.ts';
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

/** Clones that are made at once where the provider's own fork does not decide it. */
const atOnce = 4;
const mostWithout = 1000;

/**
 * Clones of a sandbox, each made a consumer's object by `own`: one settled result each, in order. On an abort those that were
 * made are destroyed.
 */
export async function forkSandbox(
  session: Session,
  count: number,
  options: ForkOptions,
  own: (clone: Session, origin: SandboxOrigin) => Sandbox,
): Promise<readonly PromiseSettledResult<Sandbox>[]> {
  const { driver, handle, capabilities } = session;
  const way = forkWay(session, options);
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

/** The fastest way that keeps every clone its own. */
function forkWay(session: Session, { store }: ForkOptions): ForkWay | undefined {
  const { driver, handle, capabilities } = session;
  const { fork } = driver;
  if (fork && capabilities.fork) {
    return {
      origin: forkedOrigin(handle.ref, 'fork', ['processes', 'memory']),
      most: capabilities.fork.maxPerCall,
      make: (requests, call) => fork.fork(handle, requests, call),
    };
  }
  // The other ways keep something somewhere for a while: only where the caller has said where.
  if (store === undefined) return undefined;
  return nativeWay(session) ?? snapshotWay(session, store);
}

function nativeWay({ driver, handle, capabilities }: Session): ForkWay | undefined {
  const { nativeSnapshot } = driver;
  const kind = capabilities.nativeSnapshot?.kinds.find(({ sourceSurvives }) => sourceSurvives);
  if (!nativeSnapshot || !kind) return undefined;
  return {
    origin: forkedOrigin(handle.ref, 'native-snapshot', lostWith(kind.scope)),
    most: mostWithout,
    async make(requests, call) {
      const taken = await nativeSnapshot.take(handle, kind.scope, call);
      try {
        return await inTurns(requests, (request) => nativeSnapshot.create(taken, request, call));
      } finally {
        await nativeSnapshot.remove(taken, { signal: new AbortController().signal });
      }
    },
  };
}

function snapshotWay(session: Session, store: SnapshotStore): ForkWay {
  const { driver, handle, capabilities } = session;
  return {
    origin: forkedOrigin(handle.ref, 'snapshot', ['processes', 'memory', 'outside-workspace']),
    most: mostWithout,
    async make(requests, call) {
      const taken = await takeSnapshot({ session, mounts: [] }, store, {}, call);
      const repository = await openRepository(store, call);
      return inTurns(requests, async (request) => {
        const clone = await driver.create(request, call);
        try {
          const inner = openSession(driver, capabilities, clone);
          await fillWorkspace(inner, repository, taken, { keepSpecialModes: true }, call);
          return clone;
        } catch (error) {
          await driver.release(clone);
          await driver.destroy(clone.ref, { signal: new AbortController().signal });
          throw error;
        }
      });
    },
  };
}

async function inTurns(
  requests: readonly CreateRequest[],
  make: (request: CreateRequest) => Promise<DriverHandle>,
): Promise<PromiseSettledResult<DriverHandle>[]> {
  const results: PromiseSettledResult<DriverHandle>[] = [];
  const queue = requests.entries();
  const work = async (): Promise<void> => {
    for (const [index, request] of queue) {
      const [settled] = await Promise.allSettled([make(request)]);
      results[index] = settled;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
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
