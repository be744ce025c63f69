import type { ExitStatus } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';

/**
 * Where a command's processes are found: the init that adopts them, the lane's shell, which is none of them, and the shell whose
 * children's children they are: the lane's own, or one below it that feeds the command.
 */
export interface ProcessRoots {
  readonly init: number;
  readonly lane: number;
  readonly root: number;
}

/** What a lane says of a command. `broken` is everything that a lane does not say. */
export type LaneMessage =
  | { readonly kind: 'no-directory' }
  | ({ readonly kind: 'started'; readonly pid: number } & ProcessRoots)
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
  const started = /^p ([1-9]\d{0,9}) (\d{1,10}) ([1-9]\d{0,9}) ([1-9]\d{0,9})$/.exec(text);
  if (started) {
    const [pid = 0, init = 0, lane = 0, root = 0] = started.slice(1).map(Number);
    return { kind: 'started', pid, init, lane, root };
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
