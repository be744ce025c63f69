import type { Command } from '../../contract/command.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';

/**
 * Names that some shell computes, checks or keeps read-only (POSIX sh, dash, busybox ash, bash). They
 * reach the command through env(1), which treats every name alike.
 */
const shellNames: ReadonlySet<string> = new Set([
  '_',
  'BASHOPTS',
  'BASHPID',
  'BASH_VERSINFO',
  'COMP_WORDBREAKS',
  'DIRSTACK',
  'EPOCHREALTIME',
  'EPOCHSECONDS',
  'EUID',
  'FUNCNAME',
  'GROUPS',
  'HISTCMD',
  'HOSTNAME',
  'IFS',
  'LINENO',
  'OLDPWD',
  'OPTARG',
  'OPTIND',
  'PPID',
  'PWD',
  'RANDOM',
  'SECONDS',
  'SHELLOPTS',
  'SHLVL',
  'SRANDOM',
  'UID',
]);

/**
 * A command as text for an agent's lane to source. The lane's arguments are 1: setsid, 2: the
 * process's own id, 3: env; its descriptor 4 is the lane's status. Throws `invalid-argument` for
 * what no process can be given.
 */
export function commandText(command: Pick<Command, 'argv' | 'cwd' | 'env'>): string {
  const exported: string[] = [];
  const assigned: string[] = [];
  for (const [name, value] of Object.entries(command.env)) {
    if (name === '' || /[=\0]/.test(name)) {
      throw invalid(`the environment variable name ${JSON.stringify(name)} holds "=" or NUL, or is empty`);
    }
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !shellNames.has(name)) {
      exported.push(`export ${name}=${quote(value)}\n`);
    } else {
      // env(1) would take a leading '-' for an option.
      if (name.startsWith('-')) {
        throw invalid(`the environment variable name ${JSON.stringify(name)} starts with "-"`);
      }
      assigned.push(`${quote(`${name}=${value}`)} `);
    }
  }
  const program = command.argv.map(quote).join(' ');
  return [
    `cd -P -- ${quote(command.cwd)} 2>/dev/null || { echo d >&4; exit 0; }\n`,
    'unset OLDPWD\n',
    ...exported,
    'echo "p $2" >&4\n',
    `exec ${assigned.length > 0 ? `"$3" ${assigned.join('')}` : ''}"$1" -- ${program} 4>&-\n`,
  ].join('');
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
