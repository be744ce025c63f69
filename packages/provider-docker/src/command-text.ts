import type { Command } from '@gantry/core/driver';

/** Names that some shell computes, checks or keeps read-only; env(1) treats every name alike. */
const shellNames: ReadonlySet<string> = new Set([
  ...[
    '_',
    'BASHOPTS',
    'BASHPID',
    'BASH_ARGV0',
    'BASH_COMMAND',
    'BASH_SUBSHELL',
    'BASH_VERSINFO',
    'COMP_WORDBREAKS',
  ],
  ...[
    'DIRSTACK',
    'EPOCHREALTIME',
    'EPOCHSECONDS',
    'EUID',
    'FUNCNAME',
    'GROUPS',
    'HISTCMD',
    'LINENO',
    'OLDPWD',
  ],
  ...[
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
  ],
]);

/**
 * One line of shell text that becomes the command: it enters the directory, says the process's id after the
 * lane's key, and turns into the program. Values of variables travel in it, never on a command line; only
 * the few names that shells keep for themselves are handed to env(1). On a lane the program gets a session of its
 * own; in a terminal it must keep that of the terminal.
 */
export function commandText(
  { argv, cwd, env }: Pick<Command, 'argv' | 'cwd' | 'env'>,
  place: 'lane' | 'terminal' = 'lane',
): string {
  const variables = Object.entries(env);
  const plain = variables.filter(([name]) => !shellNames.has(name) && !name.startsWith('g_'));
  const special = variables.filter(([name]) => shellNames.has(name) || name.startsWith('g_'));
  const prefix =
    special.length === 0 ? [] : ['env', ...special.map(([name, value]) => `${name}=${value}`)];
  return [
    // The shortest way for a subshell to its own process id: no fork.
    'cd -P /proc/self;g_v=${PWD##*/}',
    `cd -- ${quoted(cwd)} 2>/dev/null || { printf '%sd\\n' "$g_k";exit 1;}`,
    'unset OLDPWD',
    `printf '%sp %s %s %s\\n' "$g_k" "$g_v" "$PPID" "$$"`,
    ...plain.map(([name, value]) => `export ${name}=${quoted(value)}`),
    `exec ${place === 'lane' ? '${g_r:+"$g_r"} ${g_r:+"--"} ' : ''}${[...prefix, ...argv].map(quoted).join(' ')}`,
  ].join(';');
}

/** Text as one shell word on one line. */
function quoted(text: string): string {
  const inner = text.replaceAll("'", `'\\''`).replaceAll('\n', `'"$g_nl"'`);
  return `'${inner}'`;
}
