import type { ExitStatus } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';

/** What a lane says of a command. `broken` is everything that a lane does not say. */
export type LaneMessage =
  | { readonly kind: 'no-directory' }
  | { readonly kind: 'started'; readonly pid: number; readonly init: number; readonly lane: number }
  | {
      readonly kind: 'ended';
      readonly exit: ExitStatus;
      readonly isClean: boolean;
      readonly isSilent: boolean;
      readonly hasOomKills: boolean;
    }
  | { readonly kind: 'broken' };

/** Reads what follows the key. */
export function parseLaneMessage(text: string): LaneMessage {
  if (text === 'd') return { kind: 'no-directory' };
  const started = /^p ([1-9]\d{0,9}) (\d{1,10}) ([1-9]\d{0,9})$/.exec(text);
  if (started) {
    const [pid = 0, init = 0, lane = 0] = started.slice(1).map(Number);
    return { kind: 'started', pid, init, lane };
  }
  const ended = /^e (\d{1,3}) ([01]) ([012]) ([01])$/.exec(text);
  const code = Number(ended?.[1] ?? 256);
  if (!ended || code > 255) return { kind: 'broken' };
  const [, , words, left, kills] = ended;
  const exit = shell.exitStatus(code, words === '1');
  return {
    kind: 'ended',
    exit,
    isClean: left === '0',
    isSilent: left !== '1',
    hasOomKills: kills === '1',
  };
}
