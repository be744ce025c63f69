import { constants } from 'node:os';
import type { ExitStatus } from '@gantry/core';

/** The command ran into `--timeout`: the code that `timeout` of coreutils uses. */
export const TIMED_OUT = 124;
/** Gantry itself failed, or was used wrongly: the code that `docker run` and `env` use. */
export const GANTRY_FAILED = 125;
/** The answer of a command that only looks or tidies up is no. */
export const ANSWER_IS_NO = 1;
/** Whoever read the output went away, as a process that SIGPIPE killed would say. */
export const OUTPUT_CLOSED: number = 128 + constants.signals.SIGPIPE;

/** The exit code that a shell would show for a process that this signal killed. Its own copy: gantry starts without the library. */
export function signalExitCode(signal: string): number | undefined {
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals;
  const number = numbers[signal];
  return number === undefined ? undefined : 128 + number;
}

/**
 * The exit code that stands for how a command ended. `undefined` when the provider cannot tell, or
 * names a signal that this machine does not have: no code is made up for it.
 */
export function commandExitCode(exit: ExitStatus): number | undefined {
  if (exit.code !== undefined) return exit.code;
  if (exit.signal !== undefined) return signalExitCode(exit.signal);
  return undefined;
}
