import { constants } from 'node:os';
import type { ExitStatus, Signal } from '@gantry/core/driver';

/** What a lane says of a command. `broken` is everything that a lane does not say. */
export type LaneMessage =
  | { readonly kind: 'no-directory' }
  | { readonly kind: 'started'; readonly pid: number; readonly init: number; readonly lane: number }
  | { readonly kind: 'ended'; readonly exit: ExitStatus; readonly isClean: boolean }
  | { readonly kind: 'broken' };

const signalNames: ReadonlyMap<number, Signal> = new Map(
  Object.entries(constants.signals).map(([name, number]): [number, Signal] => [
    number,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every name in this table starts with SIG
    name as Signal,
  ]),
);

/** The name of a signal by its number, where Linux has one. */
export function signalName(number: number): Signal | undefined {
  return signalNames.get(number);
}

/**
 * Reads what follows the key. 128 + n is a death by signal n only where the shell said so in words: it does
 * for every signal but SIGINT and SIGPIPE.
 */
export function parseLaneMessage(text: string): LaneMessage {
  if (text === 'd') return { kind: 'no-directory' };
  const started = /^p ([1-9]\d{0,9}) (\d{1,10}) ([1-9]\d{0,9})$/.exec(text);
  if (started) {
    const [pid = 0, init = 0, lane = 0] = started.slice(1).map(Number);
    return { kind: 'started', pid, init, lane };
  }
  const ended = /^e (\d{1,3}) ([01]) ([01])$/.exec(text);
  const code = Number(ended?.[1] ?? 256);
  if (!ended || code > 255) return { kind: 'broken' };
  const signal = ended[2] === '1' && code > 128 ? signalName(code - 128) : undefined;
  const exit = signal === undefined ? { code } : { signal };
  return { kind: 'ended', exit, isClean: ended[3] === '0' };
}
