import type { Command } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';

/**
 * One line of shell text that becomes the command: it enters the directory, says the process's id after the
 * lane's key, and turns into the program. Values of variables travel in it, never on a command line; only
 * the few names that shells, or the lane, keep for themselves are handed to env(1). On a lane the program gets a
 * session of its own; in a terminal it must keep that of the terminal.
 */
export function commandText(
  { argv, cwd, env }: Pick<Command, 'argv' | 'cwd' | 'env'>,
  place: 'lane' | 'terminal' = 'lane',
): string {
  const { exports, assignments } = shell.environment(env, (name) => name.startsWith('g_'));
  const prefix = assignments.length === 0 ? [] : ['env', ...assignments];
  const session = place === 'lane' ? ['${g_r:+"$g_r"}', '${g_r:+"--"}'] : [];
  return [
    // The shortest way for a subshell to its own process id: no fork.
    'cd -P /proc/self;g_v=${PWD##*/}',
    `cd -- ${shell.word(cwd)} 2>/dev/null || { printf '%sd\\n' "$g_k";exit 1;}`,
    'unset OLDPWD',
    `printf '%sp %s %s %s %s\\n' "$g_k" "$g_v" "$PPID" "$$" "\${g_o:-$$}"`,
    ...exports,
    ['exec', ...session, ...prefix, ...argv.map(shell.word)].join(' '),
  ]
    .map((line) => line.replaceAll('\n', `'"$g_nl"'`)) // Within quotes: a lane reads lines.
    .join(';');
}
