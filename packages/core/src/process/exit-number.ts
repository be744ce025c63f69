import { constants } from 'node:os';
import type { ExitStatus } from '../contract/exit-status.ts';

/**
 * The one number that a shell has for an end: the code, or 128 + n for a death by signal n. `undefined` where the end is not known, or
 * the signal has no number on this machine: none is made up.
 */
export function exitNumber({ code, signal }: ExitStatus): number | undefined {
  if (code !== undefined || signal === undefined) return code;
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals;
  const number = numbers[signal];
  return number === undefined ? undefined : 128 + number;
}
