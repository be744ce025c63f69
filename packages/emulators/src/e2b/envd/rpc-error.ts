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

/** What a guest's sandbox says, as envd says it. */
export function toRpcError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!SandboxError.is(error)) return new ConnectError(String(error), Code.Internal);
  return new ConnectError(error.message, codes[error.code] ?? Code.Internal);
}
