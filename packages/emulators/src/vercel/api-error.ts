import { SandboxError } from '@gantry/core';

/** An answer that is an error. `code` is the vendor's own word, which its SDK tells errors apart by. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A body or a query that is wrong. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, 'bad_request', message);
}

/** What is not there. */
export function notFound(what: string): ApiError {
  return new ApiError(404, 'not_found', `${what} not found.`);
}

/** What cannot be had here; `what` ends the sentence. The SDK would ask again after an answer of 5xx. */
export function unsupported(what: string): ApiError {
  return new ApiError(422, 'unsupported', `unsupported: ${what}`);
}

const statuses: Partial<Record<SandboxError['code'], readonly [number, string]>> = {
  'invalid-argument': [400, 'bad_request'],
  'not-found': [404, 'not_found'],
  'permission-denied': [403, 'forbidden'],
  'already-exists': [409, 'conflict'],
  'resource-exhausted': [429, 'rate_limited'],
  'failed-precondition': [400, 'bad_request'],
  unsupported: [422, 'unsupported'],
};

/** Whatever was thrown, as an answer. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!SandboxError.is(error)) return new ApiError(500, 'internal_server_error', String(error));
  const [status, code] = statuses[error.code] ?? [500, 'internal_server_error'];
  return new ApiError(status, code, error.message);
}

/** The answer to a request that failed. */
export function errorResponse(thrown: unknown): Response {
  const { status, code, message, retryAfterSeconds } = toApiError(thrown);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (retryAfterSeconds !== undefined) headers.set('retry-after', String(retryAfterSeconds));
  return new Response(errorBody(code, message), { status, headers });
}

/** The body of an error answer. */
export function errorBody(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } });
}
