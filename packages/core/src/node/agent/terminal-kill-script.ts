/**
 * A script of POSIX sh that signals a terminal's leader, or with KILL all of its session until none is left. Its arguments:
 * the signal without SIG, and the leader's process id. For vendors whose API reaches one process only.
 */
export const terminalKillScript: string = `
[ "$1" = KILL ] || { kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null; exit 0; }
{ read -r line </proc/$2/stat; } 2>/dev/null || exit 0
set -- \${line##*) }
session=$4
while :; do
  found=
  for file in /proc/[0-9]*/stat; do
    { read -r line <"$file"; } 2>/dev/null || continue
    set -- \${line##*) }
    [ "$4" = "$session" ] && [ "$1" != Z ] || continue
    process=\${file#/proc/} found=1
    kill -s KILL "\${process%/stat}" 2>/dev/null
  done
  [ -n "$found" ] || break
done
`;
