import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../../errors/sandbox-error.ts';

/** How long a provider, or a store, may be out of reach before a run gives up on it. */
const patienceMs = 5 * 60_000;
const longestPauseMs = 5_000;

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
