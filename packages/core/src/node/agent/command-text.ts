import { randomInt } from 'node:crypto';
import type { Command } from '../../contract/command.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';

/**
 * Names that some shell computes, checks or keeps read-only: OPTIND in dash, the others in bash. They
 * reach the command through env(1), so their values are on a command line for a moment: no secret
 * has such a name.
 */
const shellNames: ReadonlySet<string> = new Set([
  ...['BASHOPTS', 'BASHPID', 'BASH_VERSINFO', 'DIRSTACK', 'EPOCHREALTIME', 'EPOCHSECONDS'],
  ...['EUID', 'FUNCNAME', 'GROUPS', 'HISTCMD', 'LINENO', 'OPTIND', 'PPID', 'RANDOM', 'SECONDS'],
  ...['SHELLOPTS', 'SRANDOM', 'UID', '_'],
]);

/**
 * A command as text for the process that is to become it. That one's arguments are 1: its own process id, 2: env; its
 * descriptor 4 is the lane's status. `mark` becomes the hard limit of the
 * size of files, in blocks: whatever a descendant does to its environment, session or parent, it keeps
 * that, and the host can read it. Throws `invalid-argument` for what no process can be given.
 */
export function commandText(command: Pick<Command, 'argv' | 'cwd' | 'env'>, mark?: string): string {
  const exported: string[] = [];
  const assigned: string[] = [];
  for (const [name, value] of Object.entries(command.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalid(`${JSON.stringify(name)} is not a name for an environment variable`);
    }
    if (shellNames.has(name)) assigned.push(`${quote(`${name}=${value}`)} `);
    else exported.push(`export ${name}=${quote(value)}\n`);
  }
  const [program] = command.argv;
  // A shell would take the name for an option.
  const through = assigned.length > 0 || (program.startsWith('-') && program.length > 1);
  if (through && program.includes('=')) {
    const names = [...shellNames].join(', ');
    throw invalid(
      `a program whose name has a "=" can neither begin with "-" nor have one of these in its environment: ${names}`,
    );
  }
  return [
    `cd -P -- ${quote(command.cwd)} 2>/dev/null || { echo d >&4; exit 0; }\n`,
    'unset OLDPWD\n',
    ...exported,
    ...(mark === undefined ? [] : [`ulimit -f ${mark}\n`]),
    'echo "p $1" >&4\n',
    `exec ${through ? `"$2" -- ${assigned.join('')}` : ''}${command.argv.map(quote).join(' ')} 4>&-\n`,
  ].join('');
}

/** A mark that no other command has: a limit on the size of files, far above what any file system holds. */
export function newMark(): string {
  return String(2 ** 50 + randomInt(2 ** 48 - 1));
}

/** One word for a POSIX shell, whatever bytes it holds but NUL. */
function quote(text: string): string {
  if (text.includes('\0')) {
    throw invalid('arguments, the working directory and environment values cannot hold NUL');
  }
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function invalid(message: string): SandboxError {
  return new SandboxError('invalid-argument', message);
}
