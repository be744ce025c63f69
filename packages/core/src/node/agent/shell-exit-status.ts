import { constants } from 'node:os';
import type { ExitStatus, Signal } from '../../contract/exit-status.ts';

const signalNames: ReadonlyMap<number, Signal> = new Map(
  Object.entries(constants.signals).map(
    ([name, number]) => [number, `SIG${name.slice(3)}`] as const,
  ),
);

/**
 * A shell's `$?` as an exit status. 128 + n is a death by signal n only where the shell said so in
 * words: it does for every signal but SIGINT and SIGPIPE.
 */
export function shellExitStatus(code: number, spoke: boolean): ExitStatus {
  const signal = spoke && code > 128 ? signalNames.get(code - 128) : undefined;
  return signal === undefined ? { code } : { signal };
}
