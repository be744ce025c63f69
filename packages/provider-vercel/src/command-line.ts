import type { Command } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';

/** What the vendor is asked to run. */
export interface CommandLine {
  readonly cmd: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly sudo?: boolean;
}

/**
 * Says how it went, by a mark that nobody else knows: `d` for a directory that cannot be entered, else `p` and the process id. Then it
 * becomes the program, in a process group of its own, by which it can be killed. Its arguments: the mark, the directory, the
 * descriptor that the mark goes to, a file with the input, and the same in base64.
 */
const launch = `
cd -P -- "$2" 2>/dev/null || { printf '%sd\\n' "$1" >&"$3"; exit 1; }
unset OLDPWD
if [ -n "$5" ]; then
  gantry_file=$(/usr/bin/mktemp /tmp/.gantry-XXXXXXXX) && printf %s "$5" | /usr/bin/base64 -d >"$gantry_file" || exit 1
  exec <"$gantry_file"
  /bin/rm -f -- "$gantry_file"
elif [ -n "$4" ]; then
  exec <"$4"
  /bin/rm -f -- "$4"
elif [ "$3" = 2 ]; then
  exec </dev/null
fi
printf '%sp%d\\n' "$1" "$$" >&"$3"
shift 5
read -r _ _ _ _ gantry_group _ </proc/$$/stat
[ "$gantry_group" = $$ ] || set -- /usr/bin/setsid "$@"
exec "$@"`;

/** Becomes a shell of another user, or says `u` for one that there is not. Its arguments: the user, the mark, its descriptor, the shell's own. */
const becomeUser = `
gantry_uid=$(/usr/bin/id -u -- "$1" 2>/dev/null) && gantry_gid=$(/usr/bin/id -g -- "$1") || { printf '%su\\n' "$2" >&"$3"; exit 1; }
shift 3
exec /usr/bin/setpriv --reuid "$gantry_uid" --regid "$gantry_gid" --init-groups -- /bin/sh "$@"`;

/** Variables that the script keeps for itself, and does not hand on. */
const own = (name: string): boolean => name.startsWith('gantry_');

/** A line that runs exactly that program with those variables; `input` is a file with what it reads, or its base64. */
export function commandLine(
  { argv, cwd, env, user }: Omit<Command, 'stdin'>,
  mark: string,
  {
    terminal = false,
    file = '',
    base64 = '',
  }: { readonly terminal?: boolean; readonly file?: string; readonly base64?: string } = {},
): CommandLine {
  // Values that a shell would change go by env(1), after it; all others never get onto a command line.
  const special = Object.entries(env).filter(
    ([name, value]) => shell.environment({ [name]: value }, own).assignments.length > 0,
  );
  const assignments = special.map(([name, value]) => `${name}=${value}`);
  // env(1) would take such a name for a variable.
  const program = argv[0].includes('=') ? ['/bin/sh', '-c', 'exec "$@"', 'sh', ...argv] : argv;
  const words = [mark, cwd, terminal ? '1' : '2', file, base64];
  const line = ['-c', launch, 'gantry', ...words, '/usr/bin/env', '--', ...assignments, ...program];
  const plain = Object.entries(env).filter(([name]) => !special.some(([other]) => other === name));
  const rest = { env: Object.fromEntries(plain), cwd: '/' };
  if (user === undefined) return { cmd: '/bin/sh', args: line, ...rest };
  // Only root can become somebody else, and can be asked for by itself.
  const become = ['-c', becomeUser, 'gantry', user, mark, terminal ? '1' : '2', ...line];
  return { cmd: '/bin/sh', args: user === 'root' ? line : become, ...rest, sudo: true };
}
