import { SandboxError, type SandboxErrorCode } from '@gantry/core';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ErrorAnswer } from '../protocol/errors.ts';

const statuses: Readonly<Record<SandboxErrorCode, ContentfulStatusCode>> = {
  cancelled: 408,
  unknown: 500,
  'invalid-argument': 400,
  'deadline-exceeded': 504,
  'not-found': 404,
  'already-exists': 409,
  'permission-denied': 403,
  'resource-exhausted': 429,
  'failed-precondition': 412,
  aborted: 409,
  'out-of-range': 416,
  unsupported: 501,
  internal: 500,
  unavailable: 503,
  'data-loss': 500,
  unauthenticated: 401,
};

/** What is told of whatever was thrown. */
export function describeError(thrown: unknown): ErrorAnswer['error'] {
  if (SandboxError.is(thrown)) {
    const { code, message, details } = thrown;
    const { hint, ...facts } = details;
    return {
      code,
      message,
      ...(typeof hint === 'string' ? { hint } : {}),
      ...(Object.keys(facts).length === 0 ? {} : { details: facts }),
    };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'internal', message };
}

/** The HTTP status for a code. */
export function statusOf(code: SandboxErrorCode): ContentfulStatusCode {
  return statuses[code];
}
