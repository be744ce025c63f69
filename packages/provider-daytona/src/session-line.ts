import type { Command } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';

/** Variables that the line keeps for itself, and does not hand on. */
const own = (name: string): boolean => name.startsWith('gantry_');

/** Programs of the line's own are found whatever the sandbox's own PATH is. */
const usualPlaces = 'PATH=$PATH:/usr/local/bin:/usr/bin:/bin';

/** Bytes of an output that a bash passes on by itself; beyond them programs are faster. */
const slowBytes = 48;

/**
 * A line for a shell of the vendor's that runs exactly that program. The vendor's logs take some bytes for their own and may
 * add line ends, so both outputs go out as base64, each piece followed by a comma. Between exclamation marks, which base64 has
 * not, the line says: `p` and the process id, `d` for a missing directory, `x` and the status, `f` and the process id of who
 * sends an output, `h` and bytes of the output as hexadecimal digits, `g` and bytes that the next piece goes on from, `e` for
 * that output's end. Such a word may stand within a piece, but for those that carry bytes.
 */
export function sessionLine(command: Pick<Command, 'argv' | 'cwd' | 'env' | 'stdin'>): string {
  return `{
gantry_send() {
${send}
}
gantry_launch() {
${launch(command)}
}
{ {
  ${feed(command.stdin)} { ( gantry_launch ) 2>&6; printf '!x%d!\\n' "$?" >&3; } ${
    command.stdin === 'none' ? '</dev/null' : ''
  }
} 4>&- | gantry_send >&3 3>&- 4>&- 6>&-; } 6>&1 | gantry_send >&4 3>&- 4>&-
} 3>&1 4>&2 2>/dev/null`;
}

/**
 * Passes an output on. Programs cost more than most outputs are worth: a bash reads the first bytes by itself, one by one, which
 * is exact whatever they are, and waits for none that is not there yet. After them, and in other shells, a piece is what
 * dd reads at once. Nothing is written in less than three bytes: the SDK keeps so few back until more comes
 * (`stdDemuxStream`).
 */
const send = `  ${usualPlaces}
  read -r gantry_pid _ </proc/self/stat
  gantry_name="!f$gantry_pid!"
  if [ -n "\${BASH_VERSION-}" ]; then
    LC_ALL=C gantry_count=0 gantry_hex= IFS=
    while read -r -d '' -n 1 gantry_byte; do
      printf -v gantry_byte %02x "'$gantry_byte"
      gantry_hex=$gantry_hex$gantry_byte
      gantry_count=$((gantry_count + 1))
      if ! read -r -t 0; then
        printf '%s!h%s!\\n' "$gantry_name" "$gantry_hex"
        gantry_hex= gantry_name=
      elif [ $gantry_count -ge ${slowBytes} ]; then
        printf '%s!g%s!\\n' "$gantry_name" "$gantry_hex"
        gantry_hex= gantry_name=
        dd bs=65536 count=1 | base64
        printf ',\\n\\n'
      fi
    done
    [ -z "$gantry_hex" ] || printf '%s!h%s!\\n' "$gantry_name" "$gantry_hex"
  else
    printf '%s\\n' "$gantry_name"
    while gantry_piece=$(dd bs=65536 count=1 | base64) && [ -n "$gantry_piece" ]; do
      printf '%s,\\n' "$gantry_piece"
    done
  fi
  printf '!e!\\n'`;

/** Becomes the program, in a process group of its own by which it can be killed. */
function launch({ argv, cwd, env }: Pick<Command, 'argv' | 'cwd' | 'env'>): string {
  const { exports, assignments } = shell.environment(env, own);
  const words = argv.map((word) => shell.word(word));
  const through = assignments.length > 0 ? ['"$gantry_env" --', ...assignments] : [];
  const program = [...through, ...words].join(' ');
  // setsid(1) would fork where there is a group already. Their places are found before the command's own PATH holds.
  return `gantry_setsid=/usr/bin/setsid gantry_env=/usr/bin/env
[ -x $gantry_setsid ] || gantry_setsid=$(command -v setsid)
[ -x $gantry_env ] || gantry_env=$(command -v env)
read -r gantry_pid _ _ _ gantry_group _ </proc/self/stat
cd -P -- ${shell.word(cwd)} 2>/dev/null || { printf '!d!\\n' >&3; exit 0; }
unset OLDPWD
${exports.join('\n')}
printf '!p%d!\\n' "$gantry_pid" >&3
[ "$gantry_pid" = "$gantry_group" ] && exec "$gantry_env" -- ${program} 3>&- 6>&-
exec "$gantry_setsid" -- ${program} 3>&- 6>&-`;
}

/** What gives the program its input: all of it, or what comes line by line. */
function feed(stdin: Command['stdin']): string {
  if (stdin === 'none') return '';
  if (stdin !== 'stream') {
    const text = Buffer.from(stdin).toString('base64');
    return `{ ${usualPlaces}; printf %s '${text}' | base64 -d; } 3>&- 6>&- |`;
  }
  return `{ ${usualPlaces}; while IFS= read -r gantry_line; do
    case $gantry_line in
      .) break ;;
      f*) cat -- "\${gantry_line#f}"; rm -f -- "\${gantry_line#f}" ;;
      *) printf %s "$gantry_line" | base64 -d ;;
    esac
  done; } 3>&- 6>&- |`;
}
