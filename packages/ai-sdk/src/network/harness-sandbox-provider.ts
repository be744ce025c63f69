import {
  HarnessSandboxAuthenticationError,
  type HarnessV1NetworkSandboxSession,
  type HarnessV1SandboxProvider,
} from '@ai-sdk/harness';
import {
  type CreateOptions,
  type Provider,
  type Sandbox,
  SandboxError,
  type SnapshotStore,
} from '@gantry/core';
import {
  networkSandboxSession,
  type NetworkSandboxSessionOptions,
} from './network-sandbox-session.ts';
import { Templates } from './templates.ts';

/** Which sandboxes harness agents get. */
export interface HarnessSandboxProviderOptions extends Omit<
  NetworkSandboxSessionOptions,
  'ports' | 'onStop'
> {
  /** Makes the sandboxes. */
  readonly provider: Provider;
  /** What each sandbox is made of: manifest (image, network, ports, contents), labels, lifetime. */
  readonly create?: Omit<CreateOptions, 'signal' | 'timeoutMs'>;
  /** Where a prepared workspace is kept, so that a harness is set up once and not in each session. Default: each is set up anew. */
  readonly snapshots?: SnapshotStore;
}

/** The label by which a session is found again. */
const sessionLabel = 'gantry-ai-sdk-session';

/** Gives the harness agents of the AI SDK the sandboxes of any Gantry provider. Nothing happens before the first session. */
export function harnessSandboxProvider(
  options: HarnessSandboxProviderOptions,
): HarnessV1SandboxProvider {
  const { provider, create = {}, snapshots } = options;
  const ports = create.manifest?.ports ?? [];
  const templates = new Templates(provider, snapshots);
  const session = (sandbox: Sandbox, canResume: boolean): HarnessV1NetworkSandboxSession =>
    networkSandboxSession(sandbox, {
      ...{ ...options, ports },
      // Nobody could come back to a session without an id.
      ...(canResume ? {} : { onStop: 'destroy' }),
    });
  const createSession: HarnessV1SandboxProvider['createSession'] = async (asked = {}) => {
    const { sessionId, abortSignal, identity, onFirstCreate } = asked;
    const labels = { ...create.labels, ...(sessionId ? { [sessionLabel]: sessionId } : {}) };
    const signal = abortSignal ? { signal: abortSignal } : {};
    const sandbox = await telling(provider.id, () =>
      templates.create({ ...create, labels, ...signal }, identity, async (fresh) => {
        await onFirstCreate?.(session(fresh, true).restricted(), {
          ...(abortSignal ? { abortSignal } : {}),
        });
      }),
    );
    return session(sandbox, sessionId !== undefined);
  };
  const resumeSession: NonNullable<HarnessV1SandboxProvider['resumeSession']> = async (asked) => {
    const { sessionId, abortSignal } = asked;
    const signal = abortSignal ? { signal: abortSignal } : {};
    const found = await telling(provider.id, () =>
      Array.fromAsync(provider.list({ ...signal, labels: { [sessionLabel]: sessionId } })),
    );
    const [first, second] = found.filter(
      ({ state }) => state === 'running' || state === 'suspended',
    );
    if (first === undefined || second !== undefined) throw notOne(sessionId, found.length);
    const sandbox = await telling(provider.id, () => provider.recover(first.ref, signal));
    return session(sandbox, true);
  };
  return {
    specificationVersion: 'harness-sandbox-v1',
    providerId: `gantry-${provider.id}`,
    createSession,
    ...(provider.capabilities.inventory ? { resumeSession } : {}),
  };
}

/** Says in the harness's own way that the account cannot be used. */
async function telling<T>(sandboxProviderId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!SandboxError.is(cause) || cause.code !== 'unauthenticated') throw cause;
    throw new HarnessSandboxAuthenticationError({
      ...{ message: cause.message, sandboxProviderId, cause },
    });
  }
}

function notOne(sessionId: string, count: number): SandboxError {
  if (count > 1) {
    const message = `${count} sandboxes are of the session ${sessionId}; destroy all but one`;
    return new SandboxError('failed-precondition', message, { operation: 'resumeSession' });
  }
  const message = `the sandbox of the session ${sessionId} is gone`;
  return new SandboxError('not-found', message, { operation: 'resumeSession' });
}
