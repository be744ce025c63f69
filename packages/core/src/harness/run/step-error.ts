import { z } from 'zod';
import { SandboxError, type SandboxErrorCode } from '../../errors/sandbox-error.ts';
import type { Json } from '../journal/run-event.ts';

const codes: readonly SandboxErrorCode[] = [
  'cancelled',
  'unknown',
  'invalid-argument',
  'deadline-exceeded',
  'not-found',
  'already-exists',
  'permission-denied',
  'resource-exhausted',
  'failed-precondition',
  'aborted',
  'out-of-range',
  'unsupported',
  'internal',
  'unavailable',
  'data-loss',
  'unauthenticated',
];

const recorded = z.object({
  code: z.enum(codes),
  message: z.string(),
  outcome: z.enum(['not-started', 'unknown', 'completed']),
  retryable: z.boolean(),
  details: z.record(z.string(), z.json()).exactOptional(),
});

/** An error as the journal keeps it. */
export function errorJson(error: unknown): Json {
  const known = SandboxError.is(error)
    ? error
    : new SandboxError('unknown', error instanceof Error ? error.message : String(error), {
        retryable: false,
        ...(error instanceof Error ? { details: { name: error.name } } : {}),
      });
  const { code, message, outcome, retryable, details } = known;
  // Details are whatever a driver put there: what JSON does not keep is left out.
  return z.json().parse(JSON.parse(JSON.stringify({ code, message, outcome, retryable, details })));
}

/** The error that the journal keeps, as it is thrown: the same the first time as each time it is read again. */
export function errorOf(json: unknown, step: string, cause?: unknown): SandboxError {
  const { code, message, details, ...rest } = recorded.parse(json);
  return new SandboxError(code, message, {
    ...rest,
    operation: `step ${step}`,
    details: { ...details, step },
    ...(cause === undefined ? {} : { cause }),
  });
}
