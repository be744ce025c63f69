import type { Call, OperationOptions } from '../contract/call.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { ErrorContext } from '../errors/to-sandbox-error.ts';

/** Joins a caller's signal and time limit into one signal that remembers which of them fired. */
export class StopSource implements Disposable {
  readonly call: Call;
  readonly #context: ErrorContext;
  readonly #options: OperationOptions;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #graceTimers: NodeJS.Timeout[] = [];
  #timedOut = false;

  constructor(context: ErrorContext, options: OperationOptions) {
    this.#context = context;
    this.#options = options;
    const { timeoutMs, signal, onSecret } = options;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) {
      throw new SandboxError('invalid-argument', 'timeoutMs must be a number above 0', context);
    }
    if (signal?.aborted) this.#onAbort();
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    const call = {
      signal: this.#controller.signal,
      ...(onSecret === undefined ? {} : { onSecret }),
    };
    if (timeoutMs === undefined || timeoutMs === Infinity) {
      this.call = call;
    } else {
      this.call = { ...call, deadline: Date.now() + timeoutMs };
      // Timers beyond 2^31-1 ms would fire at once.
      this.#timer = setTimeout(this.#onTimeout, Math.min(timeoutMs, 2 ** 31 - 1));
    }
  }

  get stopped(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Why work stopped, as the error to throw. */
  error(
    outcome: 'not-started' | 'unknown',
    cause?: unknown,
    details: Readonly<Record<string, unknown>> = {},
  ): SandboxError {
    const { operation = 'operation' } = this.#context;
    const given: unknown = this.#options.signal?.reason;
    const reason = cause ?? (this.#timedOut ? undefined : given);
    const rest = {
      ...this.#context,
      outcome,
      details,
      ...(reason === undefined ? {} : { cause: reason }),
    };
    return this.#timedOut
      ? new SandboxError(
          'deadline-exceeded',
          `${operation} did not finish within ${this.#options.timeoutMs} ms`,
          rest,
        )
      : new SandboxError('cancelled', `${operation} was cancelled by its signal`, rest);
  }

  throwIfStopped(outcome: 'not-started' | 'unknown'): void {
    if (this.stopped) throw this.error(outcome);
  }

  /** Resolves the given time after the stop; never without one. */
  expired(graceMs: number): Promise<'expired'> {
    return new Promise((resolve) => {
      const arm = (): void => {
        this.#graceTimers.push(setTimeout(() => resolve('expired'), graceMs));
      };
      if (this.stopped) arm();
      else this.call.signal.addEventListener('abort', arm, { once: true });
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const timer of this.#graceTimers) clearTimeout(timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#options.signal?.reason);

  readonly #onTimeout = (): void => {
    this.#timedOut = true;
    this.#controller.abort(new Error('deadline exceeded'));
  };
}
