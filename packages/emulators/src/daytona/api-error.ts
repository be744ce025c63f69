import { SandboxError } from '@gantry/core';

/** Which of the vendor's services an error comes from. */
export type ErrorSource = 'DAYTONA_API' | 'DAYTONA_DAEMON' | 'DAYTONA_PROXY';

/** An answer that is an error. `code` is the daemon's own word, which its clients tell errors apart by. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, code?: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The API's sentence for an id or a name that names nothing. */
export function noSandbox(idOrName: string): ApiError {
  return new ApiError(404, `Sandbox with ID or name ${idOrName} not found`);
}

/** What cannot be had here; `what` ends the sentence. */
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

const names: Readonly<Record<number, readonly [code: string, title: string]>> = {
  400: ['BAD_REQUEST', 'Bad Request'],
  401: ['UNAUTHORIZED', 'Unauthorized'],
  403: ['FORBIDDEN', 'Forbidden'],
  404: ['NOT_FOUND', 'Not Found'],
  408: ['REQUEST_TIMEOUT', 'Request Timeout'],
  409: ['CONFLICT', 'Conflict'],
  410: ['GONE', 'Gone'],
  422: ['UNPROCESSABLE_ENTITY', 'Unprocessable Entity'],
  429: ['TOO_MANY_REQUESTS', 'Too Many Requests'],
};

/** Whatever was thrown, as an answer. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!SandboxError.is(error)) return new ApiError(500, String(error));
  if (error.details['reason'] === 'no-space') return new ApiError(507, error.message);
  return new ApiError(statuses[error.code] ?? 500, error.message);
}

/** The body of an error answer of the API, or of a sandbox's daemon or the router in front of it. */
export function errorBody(
  error: ApiError,
  source: ErrorSource,
  { path, method }: { readonly path: string; readonly method: string },
): object {
  const { status: statusCode, message } = error;
  const [code, title] = names[statusCode] ?? ['INTERNAL_SERVER_ERROR', 'Internal Server Error'];
  const timestamp = new Date().toISOString();
  if (source === 'DAYTONA_API') return { path, timestamp, statusCode, error: title, message };
  return { statusCode, message, code: error.code ?? code, source, timestamp, path, method };
}

/** The answer to a request that failed. */
export function errorResponse(
  thrown: unknown,
  source: ErrorSource,
  request: { readonly path: string; readonly method: string },
): Response {
  const error = toApiError(thrown);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (error.retryAfterSeconds !== undefined) {
    headers.set('retry-after', String(error.retryAfterSeconds));
  }
  const body = JSON.stringify(errorBody(error, source, request));
  return new Response(body, { status: error.status, headers });
}
