import type { Command } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';

/** Variables that the line keeps for itself, and does not hand on. */
const own = (name: string): boolean => name.startsWith('gantry_');

/**
 * A line for a shell of the vendor's that runs exactly that program. Both outputs go out as base64, each piece followed by
 * a comma: the vendor's logs take some bytes for its own and may add line ends. Between exclamation marks, which base64
 * has not, the line says: `p` and the process id, `d` for a missing directory, `x` and the status, `f` and the process id
 * of who sends an output, `e` for that output's end. Such a word may stand within a piece.
 */
export function sessionLine(command: Pick<Command, 'argv' | 'cwd' | 'env' | 'stdin'>): string {
  return `(
exec 3>&1 4>&2 5<&0 2>/dev/null
gantry_send() {
  read -r gantry_pid _ </proc/self/stat
  printf '!f%d!\\n' "$gantry_pid"
  while gantry_piece=$(dd bs=65536 count=1 2>/dev/null | base64) && [ -n "$gantry_piece" ]; do
    printf '%s,\\n' "$gantry_piece"
  done
  printf '!e!\\n'
}
gantry_launch() {
${launch(command)}
}
{ {
  ${feed(command.stdin)} { ( gantry_launch ) 2>&6; printf '!x%d!\\n' "$?" >&3; } ${
    command.stdin === 'none' ? '</dev/null' : ''
  }
} 4>&- | gantry_send >&3 3>&- 4>&- 5<&- 6>&-; } 6>&1 | gantry_send >&4 3>&- 4>&- 5<&-
)`;
}

/** Becomes the program, in a process group of its own by which it can be killed. */
function launch({ argv, cwd, env }: Pick<Command, 'argv' | 'cwd' | 'env'>): string {
  const { exports, assignments } = shell.environment(env, own);
  const through = assignments.length > 0 ? `"$gantry_env" -- ${assignments.join(' ')} ` : '';
  const program = `${through}${argv.map((word) => shell.word(word)).join(' ')}`;
  // setsid(1) would fork where there is a group already.
  return `gantry_setsid=$(command -v setsid) gantry_env=$(command -v env)
read -r gantry_pid _ _ _ gantry_group _ </proc/self/stat
cd -P -- ${shell.word(cwd)} 2>/dev/null || { printf '!d!\\n' >&3; exit 0; }
unset OLDPWD
${exports.join('\n')}
printf '!p%d!\\n' "$gantry_pid" >&3
[ "$gantry_pid" = "$gantry_group" ] && exec "$gantry_env" -- ${program} 3>&- 5<&- 6>&-
exec "$gantry_setsid" -- ${program} 3>&- 5<&- 6>&-`;
}

/** What gives the program its input: all of it, or what comes line by line. */
function feed(stdin: Command['stdin']): string {
  if (stdin === 'none') return '';
  if (stdin !== 'stream') {
    const text = Buffer.from(stdin).toString('base64');
    return `printf %s '${text}' | base64 -d 3>&- 6>&- |`;
  }
  return `while IFS= read -r gantry_line; do
    case $gantry_line in
      .) break ;;
      f*) cat -- "\${gantry_line#f}"; rm -f -- "\${gantry_line#f}" ;;
      *) printf %s "$gantry_line" | base64 -d ;;
    esac
  done <&5 3>&- 6>&- |`;
}
