import { constants } from 'node:os';
import { type ExitStatus, SandboxError } from '@gantry/core';

/** The one number that the AI SDK has for an end: 128 + n for a death by signal n. Throws `unknown` where it cannot be known. */
export function exitCodeOf(exit: ExitStatus): number {
  if (exit.code !== undefined) return exit.code;
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals;
  const signal = exit.signal === undefined ? undefined : numbers[exit.signal];
  if (signal !== undefined) return 128 + signal;
  const why = exit.unknown ?? `the signal ${exit.signal} has no number on this machine`;
  throw new SandboxError('unknown', `how the command ended is not known: ${why}`, {
    operation: 'wait',
  });
}
