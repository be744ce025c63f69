/**
 * Gives each argument, `MODE:PATH`, its mode where it has another one (busybox tar, run by an ordinary user,
 * does not), and leaves those of `-:PATH` alone. Then prints what is at each path, for GNU coreutils
 * and busybox alike, as one batch:
 * - a line with one letter for each path: d directory, l symbolic link, f readable file, u unreadable file,
 *   o other, m missing. If one is missing, the batch ends here.
 * - a line with mode and size for each path, in hexadecimal and decimal;
 * - the target of each link, ended by NUL;
 * - a line that starts with the digest for each readable file; first those whose names have a character
 *   that some sha256sum escape, then the others.
 * No name is printed, so no name can break the report.
 */
const batchScript = `
nl='
'
cr=$(printf '\\r')
is_odd() { case $1 in *"$nl"*|*"$cr"*|*\\\\*) return 0;; esac; return 1; }
is_readable() { [ ! -L "$1" ] && [ -f "$1" ] && [ -r "$1" ]; }
kinds=
wanted=
for f do
  shift
  wanted="$wanted\${f%%:*} "
  set -- "$@" "\${f#*:}"
done
for f do
  if [ -L "$f" ]; then k=l
  elif [ -d "$f" ]; then k=d
  elif is_readable "$f"; then k=f
  elif [ -f "$f" ]; then k=u
  elif [ -e "$f" ]; then k=o
  else k=m
  fi
  kinds=$kinds$k
done
printf '%s\\n' "$kinds"
case $kinds in *m*) exit 0;; esac
modes=$(stat -c %a -- "$@") || exit 255
for f do
  want=\${wanted%% *}; wanted=\${wanted#* }
  mode=\${modes%%"$nl"*}; modes=\${modes#*"$nl"}
  if [ "$want" != - ] && [ "$want" != "$mode" ] && [ ! -L "$f" ]; then
    chmod "00$want" "$f"
  fi
done
stat -c '%f %s' -- "$@" || exit 255
for f do
  if [ -L "$f" ]; then readlink -n -- "$f" || exit 255; printf '\\0'; fi
done
for f do
  if is_odd "$f" && is_readable "$f"; then sha256sum <"$f" || exit 255; fi
done
for f do
  shift
  if ! is_odd "$f" && is_readable "$f"; then set -- "$@" "$f"; fi
done
[ $# -eq 0 ] || sha256sum -- "$@" || exit 255
`;

/** Reads NUL-separated arguments from standard input, so that neither their number nor their bytes matter. */
const script = `
for tool in xargs stat chmod readlink sha256sum; do
  command -v "$tool" >/dev/null || { echo "the sandbox has no $tool" >&2; exit 69; }
done
exec xargs -0 -n 200 sh -c "$1" gantry
`;

/** The command that sets and reports on the paths of its standard input. Exit 69: a tool is missing, named on stderr. */
export const readBackCommand: readonly [string, ...string[]] = [
  '/bin/sh',
  '-c',
  script,
  'gantry',
  batchScript,
];

/** Whether the script reports the digest of this name ahead of the others. */
export function isOddName(path: string): boolean {
  return /[\n\r\\]/.test(path);
}
