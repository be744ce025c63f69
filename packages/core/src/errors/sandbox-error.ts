import type { SandboxRef } from '../contract/sandbox-ref.ts';

/**
 * Every code that a `SandboxError` can carry: gRPC's canonical codes in kebab case, with
 * `unimplemented` spelled `unsupported` (https://grpc.io/docs/guides/status-codes/).
 */
export type SandboxErrorCode =
  | 'cancelled'
  | 'unknown'
  | 'invalid-argument'
  | 'deadline-exceeded'
  | 'not-found'
  | 'already-exists'
  | 'permission-denied'
  | 'resource-exhausted'
  | 'failed-precondition'
  | 'aborted'
  | 'out-of-range'
  | 'unsupported'
  | 'internal'
  | 'unavailable'
  | 'data-loss'
  | 'unauthenticated';

/** Whether the operation that failed had an effect: surely none, perhaps some, or all of it. */
export type Outcome = 'not-started' | 'unknown' | 'completed';

/** Everything a `SandboxError` says beside its code and message. */
export interface SandboxErrorOptions {
  /** What went wrong underneath. Kept for people; programs decide by `code`. */
  readonly cause?: unknown;
  /** JSON facts for programs, for example `{ reason: 'oom' }`. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The operation as users know it, for example `files.read`. */
  readonly operation?: string;
  /** Defaults to `not-started` where the code implies it, else `unknown`. */
  readonly outcome?: Outcome;
  readonly provider?: string;
  readonly ref?: SandboxRef;
  /** Whether the same call may succeed later. Defaults to true for `unavailable`, `aborted`, `resource-exhausted`. */
  readonly retryable?: boolean;
  /** The provider's own advice on when to try again, in milliseconds. */
  readonly retryAfterMs?: number;
}

const marker: unique symbol = Symbol.for('gantry.SandboxError');

const neverStarted: ReadonlySet<SandboxErrorCode> = new Set([
  'invalid-argument',
  'unsupported',
  'unauthenticated',
  'permission-denied',
  'not-found',
  'already-exists',
  'failed-precondition',
]);

const worthRetrying: ReadonlySet<SandboxErrorCode> = new Set([
  'unavailable',
  'aborted',
  'resource-exhausted',
]);

/**
 * The one error that Gantry's operations reject with. Decide by `code`, `outcome` and `retryable`;
 * the message is for people. Test with `SandboxError.is(error)`, never `instanceof`: two copies of
 * this package may meet in one process.
 */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly code: SandboxErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  declare readonly retryAfterMs?: number;
  declare readonly provider?: string;
  declare readonly operation?: string;
  declare readonly ref?: SandboxRef;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: SandboxErrorCode, message: string, options: SandboxErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.outcome = options.outcome ?? (neverStarted.has(code) ? 'not-started' : 'unknown');
    this.retryable = options.retryable ?? worthRetrying.has(code);
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    if (options.provider !== undefined) this.provider = options.provider;
    if (options.operation !== undefined) this.operation = options.operation;
    if (options.ref !== undefined) this.ref = options.ref;
    this.details = options.details ?? {};
    Object.defineProperty(this, marker, { value: true });
  }

  /** True for a `SandboxError` of any copy of this package. */
  static is(value: unknown): value is SandboxError {
    return typeof value === 'object' && value !== null && marker in value;
  }

  /** The same error, thrown where it was thrown, with some of its facts replaced. */
  with(facts: SandboxErrorOptions): SandboxError {
    const { outcome, retryable, retryAfterMs, provider, operation, ref, details, cause } = this;
    const own = { outcome, retryable, retryAfterMs, provider, operation, ref, details, cause };
    const merged: SandboxErrorOptions = Object.fromEntries(
      Object.entries({ ...own, ...facts }).filter(([, value]) => value !== undefined),
    );
    const copy = new SandboxError(this.code, this.message, merged);
    if (this.stack !== undefined) copy.stack = this.stack;
    return copy;
  }

  /** The error as plain JSON, without its cause and stack: safe to log and to send. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, outcome, retryable, retryAfterMs } = this;
    const { provider, operation, ref, details } = this;
    const facts = { code, message, outcome, retryable, retryAfterMs, provider, operation, ref };
    const said = Object.entries({ name, ...facts }).filter(([, value]) => value !== undefined);
    return {
      ...Object.fromEntries(said),
      ...(Object.keys(details).length === 0 ? {} : { details }),
    };
  }
}
