import { exitNumber, type ExitStatus, SandboxError } from '@gantry/core';

/** The one number that the AI SDK has for an end. Throws `unknown` where it cannot be known. */
export function exitCodeOf(exit: ExitStatus): number {
  const number = exitNumber(exit);
  if (number !== undefined) return number;
  const why = exit.unknown ?? `the signal ${exit.signal} has no number on this machine`;
  throw new SandboxError('unknown', `how the command ended is not known: ${why}`, {
    operation: 'wait',
  });
}
