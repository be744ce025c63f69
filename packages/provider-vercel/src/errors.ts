import {
  SandboxError,
  type SandboxErrorCode,
  type SandboxErrorOptions,
  type VendorCall,
  vendorCalls,
} from '@gantry/core/driver';
import { APIError, StreamError } from '@vercel/sandbox';
import { NotRepeated } from './vendor-fetch.ts';

type Meaning = readonly [SandboxErrorCode, SandboxErrorOptions?];

/** The vendor's own words, which say more than a status. */
const codes: Readonly<Record<string, Meaning>> = {
  snapshot_not_found: ['not-found', { details: { reason: 'gone' } }],
  unsupported: ['unsupported'],
};

const statuses: Readonly<Record<number, Meaning>> = {
  400: ['invalid-argument'],
  401: ['unauthenticated'],
  402: ['resource-exhausted', { outcome: 'not-started' }],
  403: ['permission-denied'],
  404: ['not-found'],
  409: ['failed-precondition'],
  410: ['failed-precondition'],
  422: ['failed-precondition'],
  429: ['resource-exhausted', { outcome: 'not-started' }],
};

/** The SDK's words for credentials that there are not. */
const noCredentials = /^(?:Could not get credentials|Missing credentials|Invalid Vercel OIDC)/;
/** System errors of a connection that was never made: nothing has begun. */
const neverConnected = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/;

/** Turns what the SDK throws into a `SandboxError`. What has no meaning of its own stays for core to wrap. */
export function fromVendor(error: unknown): unknown {
  if (SandboxError.is(error) || !(error instanceof Error)) return error;
  if (error instanceof APIError) return answered(error);
  if (error instanceof StreamError) return unavailable(`the vendor's stream broke`, error);
  if (error instanceof NotRepeated && error.status !== undefined) {
    const message = `Vercel answered ${error.status}: ${error.message}`;
    return new SandboxError('unavailable', message, { cause: error, outcome: 'unknown' });
  }
  if (noCredentials.test(error.message)) {
    return new SandboxError('unauthenticated', error.message, { cause: error });
  }
  const code = systemCode(error);
  if (code === undefined && !/^(?:fetch failed|terminated)$/.test(error.message)) return error;
  const begun = code === undefined || !neverConnected.test(code);
  return new SandboxError('unavailable', `Vercel cannot be reached: ${code ?? error.message}`, {
    ...{ cause: error, outcome: begun ? 'unknown' : 'not-started' },
  });
}

/** Does a piece of work with the SDK; its errors come out as `SandboxError`. */
export const withVendor: VendorCall = vendorCalls(fromVendor);

/** The same; what is not there comes out as `undefined`. */
export async function unlessMissing<Result>(
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await withVendor(work);
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Whether the vendor says that the session of a call is over, or that there is none. */
export function sessionIsOver(error: unknown): boolean {
  if (!(error instanceof APIError)) return false;
  const { status } = error.response;
  const code = codeOf(error);
  return status === 404 || status === 410 || (status === 422 && code.startsWith('sandbox_'));
}

function answered(error: APIError<unknown>): SandboxError {
  const { status, headers } = error.response;
  const [code, options] = codes[codeOf(error)] ??
    statuses[status] ?? ['unavailable', { outcome: 'unknown' }];
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return new SandboxError(code, error.message, {
    ...options,
    ...(Number.isNaN(seconds) ? {} : { retryAfterMs: seconds * 1000 }),
    cause: error,
  });
}

function codeOf({ json }: APIError<unknown>): string {
  const said = property(property(json, 'error'), 'code');
  return typeof said === 'string' ? said : '';
}

/** The code of the system's error beneath one of undici's. */
function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; depth < 5; depth += 1) {
    const code = property(at, 'code');
    if (typeof code === 'string' && /^(?:E[A-Z_]+|UND_ERR_\w+)$/.test(code)) return code;
    at = property(at, 'cause');
  }
  return undefined;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function unavailable(what: string, cause: Error): SandboxError {
  const message = `${what}: ${cause.message}`;
  return new SandboxError('unavailable', message, { cause, outcome: 'unknown' });
}
