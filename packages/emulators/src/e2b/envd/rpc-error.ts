import { SandboxError } from '@gantry/core';
import { Code, ConnectError } from '@connectrpc/connect';

const codes: Partial<Record<SandboxError['code'], Code>> = {
  'invalid-argument': Code.InvalidArgument,
  'not-found': Code.NotFound,
  'permission-denied': Code.PermissionDenied,
  'already-exists': Code.AlreadyExists,
  'resource-exhausted': Code.ResourceExhausted,
  unsupported: Code.Unimplemented,
  unavailable: Code.Unavailable,
};

/** What a guest's sandbox says, as envd says it. A sandbox that is gone reads as one that cannot be reached. */
export function toRpcError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!SandboxError.is(error)) return new ConnectError(String(error), Code.Internal);
  if (isGone(error)) return new ConnectError('The sandbox was not found', Code.Unavailable);
  return new ConnectError(error.message, codes[error.code] ?? Code.Internal);
}

/** Whether the real sandbox is no longer there, rather than something in it. */
export function isGone(error: unknown): boolean {
  if (!SandboxError.is(error)) return false;
  const { code, details } = error;
  return code === 'not-found' && details['path'] === undefined;
}
