import {
  SandboxError,
  type SandboxErrorCode,
  type SandboxErrorOptions,
  type VendorCall,
  vendorCalls,
} from '@gantry/core/driver';

/** What the SDK's errors carry. They are told by name and number: the SDK is not loaded for that. */
interface VendorError extends Error {
  readonly statusCode?: number;
  readonly code?: string;
  readonly headers?: { readonly [name: string]: unknown };
}

type Meaning = readonly [SandboxErrorCode, SandboxErrorOptions?];

/** The daemon's own words, which say more than a status. */
const codes: Readonly<Record<string, Meaning>> = {
  FILE_NOT_FOUND: ['not-found', { details: { reason: 'not-found' } }],
  FILE_ACCESS_DENIED: ['permission-denied'],
};

/** What the SDK finds out by itself, without a status. */
const names: Readonly<Record<string, Meaning>> = {
  DaytonaAuthenticationError: ['unauthenticated', { outcome: 'not-started' }],
  DaytonaInvalidArgumentError: ['invalid-argument', { outcome: 'not-started' }],
};

const statuses: Readonly<Record<number, Meaning>> = {
  400: ['invalid-argument'],
  401: ['unauthenticated'],
  403: ['permission-denied'],
  404: ['not-found'],
  409: ['failed-precondition'],
  410: ['failed-precondition'],
  422: ['unsupported'],
  429: ['resource-exhausted', { outcome: 'not-started' }],
  501: ['unsupported'],
  503: ['unavailable'],
  507: ['resource-exhausted', { details: { reason: 'no-space' } }],
};

/** Turns what the SDK throws into a `SandboxError`. What has no meaning of its own stays for core to wrap. */
export function fromVendor(error: unknown): unknown {
  if (SandboxError.is(error) || !isVendorError(error)) return error;
  const { statusCode = 0, code = '', message, headers } = error;
  const own = statusCode === 0 ? names[error.name] : undefined;
  const [meaning, options] = codes[code] ?? statuses[statusCode] ?? own ?? ['unavailable'];
  // An account's limits are told as a lack of rights.
  const quota = statusCode === 403 && /limit exceeded|quota/i.test(message);
  const seconds = Number(headers?.['retry-after'] ?? Number.NaN);
  return new SandboxError(quota ? 'resource-exhausted' : meaning, message || error.name, {
    ...(quota ? { outcome: 'not-started' } : options),
    ...(Number.isNaN(seconds) ? {} : { retryAfterMs: seconds * 1000 }),
    cause: error,
  });
}

/** Does a piece of work with the SDK; its errors come out as `SandboxError`. */
export const withVendor: VendorCall = vendorCalls(fromVendor);

/** The API's own sentence. Whatever stands before it, or in its place, may answer 404 too, which is no absence. */
const absence = /\b(?:sandbox|snapshot)\b[^<]*\bnot found\b/i;

/** The same; what is not there comes out as `undefined`. */
export async function unlessMissing<Result>(
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await withVendor(work);
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
    if (absence.test(error.message)) return undefined;
    const said = error.message.slice(0, 200);
    const message = `a 404 that is not the vendor's API's; check the option apiUrl: ${said}`;
    throw new SandboxError('unavailable', message, { cause: error });
  }
}

function isVendorError(error: unknown): error is VendorError {
  return error instanceof Error && /^Daytona\w*Error$/.test(error.name);
}
