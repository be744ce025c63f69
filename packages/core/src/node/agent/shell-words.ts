import { SandboxError } from '../../errors/sandbox-error.ts';

/**
 * Names that some shell computes, checks or keeps read-only: OPTIND in dash, the others in bash. They
 * reach the command through env(1), so their values are on a command line for a moment: no secret
 * has such a name.
 */
const shellNames: ReadonlySet<string> = new Set([
  ...['BASHOPTS', 'BASHPID', 'BASH_ARGV0', 'BASH_COMMAND', 'BASH_SUBSHELL', 'BASH_VERSINFO'],
  ...['COMP_WORDBREAKS', 'DIRSTACK', 'EPOCHREALTIME', 'EPOCHSECONDS', 'EUID', 'FUNCNAME'],
  ...['GROUPS', 'HISTCMD', 'LINENO', 'OLDPWD', 'OPTARG', 'OPTIND', 'PPID', 'PWD', 'RANDOM'],
  ...['SECONDS', 'SHELLOPTS', 'SHLVL', 'SRANDOM', 'UID', '_'],
]);

/** A command's variables as a shell hands them on. */
export interface ShellEnvironment {
  /** `export` statements, one for each. */
  readonly exports: readonly string[];
  /** `NAME=VALUE` words for env(1): those that no shell can be trusted with. */
  readonly assignments: readonly string[];
}

/**
 * The variables of a command as words for a POSIX shell. `reserved` names what the script around them keeps for
 * itself. Throws `invalid-argument` for a name that no shell can export and for NUL.
 */
export function shellEnvironment(
  env: Readonly<Record<string, string>>,
  reserved: (name: string) => boolean = () => false,
): ShellEnvironment {
  const exports: string[] = [];
  const assignments: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw invalid(`${JSON.stringify(name)} is not a name for an environment variable`);
    }
    if (shellNames.has(name) || reserved(name)) assignments.push(shellWord(`${name}=${value}`));
    else exports.push(`export ${name}=${shellWord(value)}`);
  }
  return { exports, assignments };
}

/** One word for a POSIX shell, whatever bytes it holds; `invalid-argument` for NUL. */
export function shellWord(text: string): string {
  if (text.includes('\0')) {
    throw invalid('arguments, the working directory and environment values cannot hold NUL');
  }
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function invalid(message: string): SandboxError {
  return new SandboxError('invalid-argument', message);
}
