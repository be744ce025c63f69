import type { Provider } from '../contract/provider.ts';
import type { SandboxRef } from '../contract/sandbox-ref.ts';
import type { Sandbox } from '../contract/sandbox.ts';
import type { RecoverOptions } from '../contract/snapshot-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';

/** How a new sandbox is made in the place of one that is gone. */
export interface SandboxReplacing {
  rehydrate(options: NonNullable<RecoverOptions['rehydrate']>): Promise<Sandbox>;
  recreate(options: NonNullable<RecoverOptions['recreate']>): Promise<Sandbox>;
}

/**
 * The same sandbox where it still is, woken if need be; else one with the snapshot's contents; else, where the caller says so,
 * an empty or fresh one. Nothing is lost in silence: neither given is `not-found`.
 */
export async function recoverSandbox(
  provider: Pick<Provider, 'inspect' | 'connect' | 'resume'>,
  ref: SandboxRef,
  options: RecoverOptions,
  replacing: SandboxReplacing,
): Promise<Sandbox> {
  const { signal, timeoutMs, onSecret } = options;
  const limits = {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(onSecret === undefined ? {} : { onSecret }),
  };
  try {
    const { state } = await provider.inspect(ref, limits);
    if (state === 'running') return await provider.connect(ref, limits);
    if (state === 'suspended') return await provider.resume(ref, limits);
  } catch (error) {
    // Gone between the two questions; anything else is no proof of an absence.
    if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
  }
  if (options.rehydrate) return replacing.rehydrate({ ...limits, ...options.rehydrate });
  if (options.recreate) return replacing.recreate({ ...limits, ...options.recreate });
  throw new SandboxError(
    'not-found',
    `sandbox ${ref.id} is gone; give a snapshot to rehydrate, or say what to recreate, which loses its workspace`,
    { ref, operation: 'recover' },
  );
}
