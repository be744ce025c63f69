import type { SandboxRef } from '../contract/sandbox-ref.ts';
import { SandboxError, type SandboxErrorCode } from './sandbox-error.ts';

/** Which operation, of which provider, on which sandbox: what every error must name. */
export interface ErrorContext {
  readonly provider?: string;
  readonly operation?: string;
  readonly ref?: SandboxRef;
}

/** What the operating system's error numbers mean here. None of them is proof of an absence. */
const systemCodes: Readonly<Record<string, SandboxErrorCode>> = {
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  EMFILE: 'resource-exhausted',
  ENFILE: 'resource-exhausted',
  ENOMEM: 'resource-exhausted',
  EAGAIN: 'resource-exhausted',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  EROFS: 'permission-denied',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ENOTFOUND: 'unavailable',
  EPIPE: 'unavailable',
  ETIMEDOUT: 'unavailable',
};

/**
 * Turns anything thrown into a `SandboxError` that names where it happened. What a `SandboxError`
 * already says is kept; anything else is `unknown`, or what its system error number means.
 */
export function toSandboxError(error: unknown, context: ErrorContext): SandboxError {
  if (SandboxError.is(error)) return inContext(error, context);
  const message = error instanceof Error ? error.message : String(error);
  const number = systemErrorNumber(error);
  const code = (number === undefined ? undefined : systemCodes[number]) ?? 'unknown';
  const noSpace = number === 'ENOSPC' || number === 'EDQUOT';
  return new SandboxError(code, `${context.operation ?? 'operation'} failed: ${message}`, {
    ...context,
    cause: error,
    outcome: 'unknown',
    ...(noSpace ? { details: { reason: 'no-space' } } : {}),
  });
}

function systemErrorNumber(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The same error with the context filled in where it said nothing. */
function inContext(error: SandboxError, context: ErrorContext): SandboxError {
  const names = ['provider', 'operation', 'ref'] as const;
  const missing = names.filter((name) => error[name] === undefined && context[name] !== undefined);
  if (missing.length === 0) return error;
  return error.with(Object.fromEntries(missing.map((name) => [name, context[name]])));
}
