/** Most paths of a batch: each tool runs once for all of them. */
const mostPaths = 200;
/** Most bytes of a batch's paths: xargs takes no more than it can pass on at once, and busybox's has the least room. */
const mostBytes = 16_384;

/**
 * Its first argument is a mode, or `-`, and a newline for each other one, which are paths. Gives each path its mode where it has
 * another one (busybox tar, run by an ordinary user, does not), and leaves those of `-` alone. Then prints what is at each path,
 * for GNU coreutils and busybox alike, as one batch:
 * - a line with one letter for each path: d directory, l symbolic link, f readable file, u unreadable file,
 *   o other, m missing. If one is missing, the batch ends here.
 * - a line with mode and size for each path, in hexadecimal and decimal;
 * - the target of each link, ended by NUL;
 * - a line that starts with the digest for each readable file; first those whose names have a character
 *   that some sha256sum escape, then the others.
 * No name is printed, so no name can break the report. The usual batch, of files that are as they should be, takes one loop
 * and no list of arguments that grows.
 */
const batchScript = `
nl='
'
cr=$(printf '\\r')
is_odd() { case $1 in *"$nl"*|*"$cr"*|*\\\\*) return 0;; esac; return 1; }
is_readable() { [ ! -L "$1" ] && [ -f "$1" ] && [ -r "$1" ]; }
wanted=$1
shift
if modes=$(stat -c %a -- "$@" 2>/dev/null) && [ "$modes$nl" != "$wanted" ]; then
  for f do
    want=\${wanted%%"$nl"*}; wanted=\${wanted#*"$nl"}
    mode=\${modes%%"$nl"*}; modes=\${modes#*"$nl"}
    if [ "$want" != - ] && [ "$want" != "$mode" ] && [ ! -L "$f" ]; then
      chmod "00$want" "$f"
    fi
  done
fi
kinds=
odd=
for f do
  if [ -L "$f" ]; then k=l
  elif [ -d "$f" ]; then k=d
  elif [ -f "$f" ]; then if [ -r "$f" ]; then k=f; else k=u; fi
  elif [ -e "$f" ]; then k=o
  else k=m
  fi
  kinds=$kinds$k
  if is_odd "$f"; then odd=1; fi
done
printf '%s\\n' "$kinds"
case $kinds in *m*) exit 0;; esac
stat -c '%f %s' -- "$@" || exit 255
case $kinds in *l*)
  for f do
    if [ -L "$f" ]; then readlink -n -- "$f" || exit 255; printf '\\0'; fi
  done ;;
esac
case $odd$kinds in *[!f]*)
  for f do
    if is_odd "$f" && is_readable "$f"; then sha256sum <"$f" || exit 255; fi
  done
  for f do
    shift
    if ! is_odd "$f" && is_readable "$f"; then set -- "$@" "$f"; fi
  done ;;
esac
[ $# -eq 0 ] || sha256sum -- "$@" || exit 255
`;

/** Reads NUL-separated arguments from standard input, so that neither their number nor their bytes matter. */
const script = `
for tool in xargs stat chmod readlink sha256sum; do
  command -v "$tool" >/dev/null || { echo "the sandbox has no $tool" >&2; exit 69; }
done
exec xargs -0 -n "$2" sh -c "$1" gantry
`;

/** A command, and what it reads. */
export interface ReadBackRun {
  readonly argv: readonly [string, ...string[]];
  readonly input: Buffer;
}

/** What sets modes and reports on paths, each relative to the workspace. Exit 69: a tool is missing, named on stderr. */
export function readBackRun(
  wanted: readonly { readonly path: Uint8Array; readonly mode?: number }[],
): ReadBackRun {
  const longest = wanted.reduce((most, { path }) => Math.max(most, path.length + 8), 1);
  // All batches but the last are of one size: xargs counts arguments, and knows of no batches.
  const size = Math.min(mostPaths, Math.max(1, Math.floor(mostBytes / longest)));
  const parts: Uint8Array[] = [];
  for (let start = 0; start < wanted.length; start += size) {
    const batch = wanted.slice(start, start + size);
    const modes = batch.map(({ mode }) => `${mode?.toString(8) ?? '-'}\n`).join('');
    parts.push(Buffer.from(`${modes}\0`));
    for (const { path } of batch) parts.push(Buffer.from('./'), path, Buffer.from([0]));
  }
  const argv = ['/bin/sh', '-c', script, 'gantry', batchScript, String(size + 1)] as const;
  return { argv: [...argv], input: Buffer.concat(parts) };
}

/** Whether the script reports the digest of this name ahead of the others. */
export function isOddName(path: string): boolean {
  return /[\n\r\\]/.test(path);
}
