import { randomInt } from 'node:crypto';
import type { Command } from '../../contract/command.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { shellEnvironment, shellWord } from './shell-words.ts';

/**
 * A command as text for the process that is to become it. That one's arguments are 1: its own process id, 2: env; its
 * descriptor 4 is the lane's status. `mark` becomes the hard limit of the
 * size of files, in blocks: whatever a descendant does to its environment, session or parent, it keeps
 * that, and the host can read it. Throws `invalid-argument` for what no process can be given.
 */
export function commandText(command: Pick<Command, 'argv' | 'cwd' | 'env'>, mark?: string): string {
  const { exports, assignments } = shellEnvironment(command.env);
  const [program] = command.argv;
  // A shell would take the name for an option.
  const through = assignments.length > 0 || (program.startsWith('-') && program.length > 1);
  if (through && program.includes('=')) {
    throw new SandboxError(
      'invalid-argument',
      `a program whose name has a "=" can neither begin with "-" nor be given variables that shells use themselves: ${JSON.stringify(program)}`,
    );
  }
  const prefix = through ? `${['"$2"', '--', ...assignments].join(' ')} ` : '';
  return [
    `cd -P -- ${shellWord(command.cwd)} 2>/dev/null || { echo d >&4; exit 0; }`,
    'unset OLDPWD',
    ...exports,
    ...(mark === undefined ? [] : [`ulimit -f ${mark}`]),
    'echo "p $1" >&4',
    `exec ${prefix}${command.argv.map(shellWord).join(' ')} 4>&-`,
    '',
  ].join('\n');
}

/** A mark that no other command has: a limit on the size of files, far above what any file system holds. */
export function newMark(): string {
  return String(2 ** 50 + randomInt(2 ** 48 - 1));
}
