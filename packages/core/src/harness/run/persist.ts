import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../../errors/sandbox-error.ts';

/** How long a provider, or a store, may be out of reach before a run gives up on it. */
const patienceMs = 5 * 60_000;
const longestPauseMs = 5_000;

/**
 * Does something again as long as it surely did not begin, because the provider was out of reach or had no room; whatever
 * may have had an effect is the caller's to decide.
 */
export function persistUntilStarted<Result>(
  operation: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const once = async (): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (!SandboxError.is(error) || error.outcome === 'not-started') throw error;
      throw new Started(error);
    }
  };
  return persist(operation, once, signal).catch((error: unknown) => {
    throw error instanceof Started ? error.error : error;
  });
}

/** An error that must not be answered with another try. */
class Started extends Error {
  readonly error: SandboxError;

  constructor(error: SandboxError) {
    super(error.message);
    this.error = error;
  }
}

/**
 * Does something that is safe to do again until it succeeds, as long as what goes wrong is passing (`retryable`) and the
 * signal is not aborted; gives up after five minutes with the last error.
 */
export async function persist<Result>(
  operation: string,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const end = performance.now() + patienceMs;
  for (let pause = 50; ; pause = Math.min(pause * 2, longestPauseMs)) {
    if (signal?.aborted) {
      throw new SandboxError('cancelled', `${operation} was given up`, {
        operation,
        cause: signal.reason,
      });
    }
    try {
      return await work();
    } catch (error) {
      const passing = SandboxError.is(error) && error.retryable;
      if (!passing || performance.now() > end) throw error;
      await delay(error.retryAfterMs ?? pause);
    }
  }
}
