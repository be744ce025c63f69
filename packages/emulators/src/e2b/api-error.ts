import { SandboxError } from '@gantry/core';

/** An answer of the control plane, or of envd's plain HTTP part, that is an error. */
export class ApiError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The vendor's sentence for an id that names nothing. */
export function noSandbox(id: string): ApiError {
  return new ApiError(404, `Sandbox "${id}" doesn't exist or you don't have access to it`);
}

/** The vendor's way to say that something cannot be had; `what` ends the sentence. */
export function unsupported(what: string): ApiError {
  return new ApiError(501, `unsupported: ${what}`);
}

const statuses: Partial<Record<SandboxError['code'], number>> = {
  'invalid-argument': 400,
  'not-found': 404,
  'permission-denied': 403,
  'already-exists': 409,
  'resource-exhausted': 429,
  'failed-precondition': 400,
  unsupported: 501,
};

/** Whatever was thrown, as an answer. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!SandboxError.is(error)) return new ApiError(500, String(error));
  if (error.details['reason'] === 'no-space') return new ApiError(507, 'not enough disk space');
  return new ApiError(statuses[error.code] ?? 500, error.message);
}

/** The body of an error answer. */
export function errorBody(status: number, message: string): string {
  return JSON.stringify({ code: status, message });
}
