import { SandboxError } from '@gantry/core/driver';

// Turn your vendor's errors into codes here, in one place. What is thrown as anything else becomes `unknown`.

/** A sandbox that is confirmed not to be there. */
export function gone(id: string): SandboxError {
  return new SandboxError('not-found', `there is no sandbox ${id}`);
}

/** A working directory that is not there: nothing has run. */
export function noDirectory(directory: string): SandboxError {
  return new SandboxError('failed-precondition', `${directory} is no directory`, {
    details: { reason: 'cwd' },
  });
}
