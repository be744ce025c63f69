/**
 * Evaluates one line where the last one ended: in its directory, with what it exported. State is kept in a file of the
 * sandbox, written when the line ends, so that it needs no process that lives on.
 */
const evaluate = `
gantry_file=$1 gantry_mode=$2 gantry_line=$3 gantry_here=$PWD
set --
[ ! -f "$gantry_file" ] || . "$gantry_file"
if [ "$gantry_mode" = keep ]; then
  cd -- "$PWD" 2>/dev/null || {
    echo "gantry: the directory $PWD is gone; this runs in $gantry_here" >&2
    cd -- "$gantry_here"
  }
  trap "gantry_status=\\$?
    { umask 077; export PWD; export -p >\\"\\$gantry_file.\\$\\$\\" &&
      mv -f -- \\"\\$gantry_file.\\$\\$\\" \\"\\$gantry_file\\"; } 2>/dev/null
    exit \\$gantry_status" EXIT
else
  cd -- "$gantry_here"
fi
eval "$gantry_line"
`;

const launch = `
shell=$(command -v bash) || shell=/bin/sh
exec "$shell" -c "$1" "\${shell##*/}" "$2" "$3" "$4"
`;

/**
 * The shell that a tool's lines are handed to: bash where there is one. `keep` goes on from the state that the name stands for
 * and saves it again; `look` uses its variables alone, in the directory where the process is started.
 */
export function statefulShell(
  state: string,
  mode: 'keep' | 'look',
): readonly [string, ...string[]] {
  return ['/bin/sh', '-c', launch, 'sh', evaluate, statePath(state), mode];
}

/** Where the state of that name is kept. */
function statePath(state: string): string {
  return `/tmp/.gantry-shell-${state}`;
}
