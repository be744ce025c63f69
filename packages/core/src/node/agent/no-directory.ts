import { SandboxError } from '../../errors/sandbox-error.ts';

/** What a command is refused with whose working directory cannot be entered. Nothing of it has run. */
export function noDirectory(): SandboxError {
  return new SandboxError(
    'failed-precondition',
    'the working directory does not exist, or the command may not enter it',
    { details: { reason: 'cwd' } },
  );
}
