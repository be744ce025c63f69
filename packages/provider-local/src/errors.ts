import { SandboxError } from '@gantry/core/driver';

/** A `SandboxError` for what a sandbox's record file says, or fails to say. Never reads as an absence. */
export function badRecord(file: string, reason: string, cause?: unknown): SandboxError {
  return new SandboxError(
    'data-loss',
    `${file} is not a record of a sandbox (${reason}); look at it, then remove its directory by hand`,
    { details: { file }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The sandbox could not be started under every control, so it was not started at all. */
export function refusedToStart(
  reason: string,
  details: Record<string, unknown> = {},
): SandboxError {
  return new SandboxError('failed-precondition', `no sandbox was started: ${reason}`, { details });
}

/** Whether an error is the system error of that name, such as `ENOENT`. */
export function isErrno(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === name;
}
