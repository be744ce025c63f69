import {
  SandboxError,
  type SandboxErrorCode,
  type SandboxErrorOptions,
  type VendorCall,
  vendorCalls,
} from '@gantry/core/driver';
import {
  AuthenticationError,
  FileNotFoundError,
  InvalidArgumentError,
  NotEnoughSpaceError,
  RateLimitError,
  SandboxNotFoundError,
  ServiceBusyError,
  TimeoutError,
} from 'e2b';

type Meaning = readonly [SandboxErrorCode, SandboxErrorOptions?];

/** What the SDK's classes mean, the more particular first. */
const meanings: readonly (readonly [abstract new (...args: never) => Error, Meaning])[] = [
  [AuthenticationError, ['unauthenticated']],
  [SandboxNotFoundError, ['not-found']],
  [FileNotFoundError, ['not-found', { details: { reason: 'not-found' } }]],
  [RateLimitError, ['resource-exhausted', { outcome: 'not-started' }]],
  [ServiceBusyError, ['unavailable', { outcome: 'not-started' }]],
  [NotEnoughSpaceError, ['resource-exhausted', { details: { reason: 'no-space' } }]],
  [InvalidArgumentError, ['invalid-argument']],
  // The SDK's word for a sandbox that went away under a request, and for one that was late.
  [TimeoutError, ['unavailable', { outcome: 'unknown' }]],
];

/** The control plane's answers that have no class of their own. */
const statuses: Readonly<Record<number, SandboxErrorCode>> = {
  400: 'invalid-argument',
  403: 'permission-denied',
  404: 'not-found',
  409: 'failed-precondition',
  501: 'unsupported',
};

/** undici's words for a connection that could not be made, or that broke; those of a stream have Connect's in front. */
const brokenConnection = /^(?:\d+: \[\w+\] )?(?:fetch failed|terminated)$/;

/** Turns what the SDK throws into a `SandboxError`. What has no meaning of its own stays for core to wrap. */
export function fromVendor(error: unknown): unknown {
  if (SandboxError.is(error) || !(error instanceof Error)) return error;
  const found = meanings.find(([kind]) => error instanceof kind);
  if (found) {
    const [, [code, options]] = found;
    return new SandboxError(code, error.message, { ...options, cause: error });
  }
  const status = 'statusCode' in error ? Number(error.statusCode) : statusIn(error.message);
  const code = statuses[status] ?? (status >= 500 ? 'unavailable' : undefined);
  if (code) return new SandboxError(code, error.message, { cause: error });
  if (brokenConnection.test(error.message)) {
    const reason = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const message = `E2B cannot be reached${reason}`;
    return new SandboxError('unavailable', message, { cause: error, outcome: 'unknown' });
  }
  return error;
}

/** Does a piece of work with the SDK; its errors come out as `SandboxError`. */
export const withVendor: VendorCall = vendorCalls(fromVendor);

/** The SDK puts the status in front of the control plane's message. */
function statusIn(message: string): number {
  return Number(/^(\d{3}): /.exec(message)?.[1] ?? 0);
}
