import type { Call, OperationOptions } from '../contract/call.ts';
import { type ErrorContext, toSandboxError } from '../errors/to-sandbox-error.ts';
import { StopSource } from './stop-source.ts';

/** How long an aborted driver gets to clean up before core gives up on it. */
export const cleanupGraceMs = 5_000;

/**
 * Runs one driver operation: checks the options, hands out the `Call`, and turns whatever comes
 * back into a result or a `SandboxError`. After an abort the driver has five seconds to clean up;
 * what it then still delivers goes to `discard`.
 */
export async function operate<Result>(
  context: ErrorContext,
  options: OperationOptions,
  work: (call: Call) => Promise<Result>,
  discard?: (late: Result) => Promise<void>,
): Promise<Result> {
  using stop = new StopSource(context, options);
  stop.throwIfStopped('not-started');
  const running = startGuarded(() => work(stop.call));
  const settled = await Promise.race([running, stop.expired(cleanupGraceMs)]);
  if (settled === 'expired') {
    void discardLate(running, context, discard);
    throw stop.error('unknown');
  }
  if (stop.stopped) {
    if (settled.ok) await discard?.(settled.value);
    throw stop.error('unknown', settled.ok ? undefined : settled.error);
  }
  if (settled.ok) return settled.value;
  throw toSandboxError(settled.error, context);
}

/** Runs core's own part of an operation, so that its errors too name where they happened. */
export async function named<Result>(
  context: ErrorContext,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toSandboxError(error, context);
  }
}

/** Frees what arrives after everyone has gone. Nobody is left to tell but the process itself. */
async function discardLate<Result>(
  running: Promise<Settled<Result>>,
  context: ErrorContext,
  discard: ((late: Result) => Promise<void>) | undefined,
): Promise<void> {
  const late = await running;
  if (!late.ok || !discard) return;
  try {
    await discard(late.value);
  } catch (error) {
    const what = `${context.provider}: ${context.operation} was cancelled, finished late`;
    process.emitWarning(`${what} and could not be undone: ${String(error)}`);
  }
}

type Settled<Result> = { ok: true; value: Result } | { ok: false; error: unknown };

/** A promise that never rejects; a synchronous throw of the driver counts as a rejection. */
async function startGuarded<Result>(work: () => Promise<Result>): Promise<Settled<Result>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error };
  }
}
