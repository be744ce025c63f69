import { randomInt } from 'node:crypto';
import type { Command } from '../../contract/command.ts';
import { shellEnvironment, shellWord } from './shell-words.ts';

/**
 * A command as text for an agent's lane to source. The lane's arguments are 1: setsid, 2: the
 * process's own id, 3: env; its descriptor 4 is the lane's status. `mark` becomes the hard limit of the
 * size of files, in blocks: whatever a descendant does to its environment, session or parent, it keeps
 * that, and the host can read it. Throws `invalid-argument` for what no process can be given.
 */
export function commandText(command: Pick<Command, 'argv' | 'cwd' | 'env'>, mark?: string): string {
  const { exports, assignments } = shellEnvironment(command.env);
  const prefix = assignments.length > 0 ? `"$3" ${assignments.join(' ')} ` : '';
  return [
    `cd -P -- ${shellWord(command.cwd)} 2>/dev/null || { echo d >&4; exit 0; }`,
    'unset OLDPWD',
    ...exports,
    ...(mark === undefined ? [] : [`ulimit -f ${mark}`]),
    'echo "p $2" >&4',
    `exec ${prefix}"$1" -- ${command.argv.map(shellWord).join(' ')} 4>&-`,
    '',
  ].join('\n');
}

/** A mark that no other command has: a limit on the size of files, far above what any file system holds. */
export function newMark(): string {
  return String(2 ** 50 + randomInt(2 ** 48 - 1));
}
