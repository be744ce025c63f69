/**
 * The resident agent: the first process of a sandbox, in POSIX sh (dash, busybox ash, bash), run as
 * `sh AGENT CONTROL-DIRECTORY LANE...`. Written to a file in the control directory by the host.
 *
 * With `again` in place of lanes it goes on in a process that could not fork. Else
 * it says `gantry-agent 1 open|closed` on its standard output (whether it could open the host's
 * core_pattern for writing), starts the lanes named, waits for a line `go` on its standard input, and ends
 * when that ends without one. Then it takes lines from the FIFO `ctl`:
 *
 *     lane NAME        start the lane of that name; its FIFOs are there
 *     kill SIGNAL PID  send the process group PID a signal, or the process while it has no group
 *
 * A lane has the FIFOs NAME.c (host to lane), NAME.s (lane to host), NAME.i, NAME.o and NAME.e (the
 * three streams of a command) and the file NAME.x, which holds the command (`commandText`). It says `ready`, or the
 * agent says `full` in its place, which it could not fork. Then for each line of c, `1` with input or `0` without,
 * it runs NAME.x:
 *
 *     d          the working directory cannot be entered; nothing ran
 *     p PID      the command runs, its streams are open
 *     (text)     the shell's own words on a death by signal
 *     x STATUS   it ended, as the shell's $? has it
 *
 * The end of c ends the lane. It is not the lane that reads c, but the process that becomes the next command, which
 * the lane has started ahead: a fork and two programs less between a command and its start.
 * Comments in the script say why it is written as it is.
 */
export const agentScript: string = `\
umask 022
directory=$1
shift
if [ "$1" = run ]; then
  # The process of one command, in a session of its own; \`env\` and the lane's files come as arguments.
  unset LC_ALL
  trap : QUIT; trap - QUIT
  # Without a lane nobody would tell how the command ends.
  read -r input && kill -s 0 "$PPID" || { kill -s KILL "$PPID"; exit 0; }
  # Out of memory, commands go first and the agent last.
  { echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
  case $input in 1) input="$3.i" ;; *) input=/dev/null ;; esac
  exec 4>&1 <"$input" >"$3.o" 2>"$3.e"
  set -- "$$" "$2" "$3.x"
  . "$3"
fi
if [ "$1" = again ]; then
  # Nothing here may fork: it is what could not be done.
  setsid=$2
  env=$3
  fresh=
  shift 3
  exec 3<>"$directory/ctl" </dev/null
else
  # By hand: 'command -v' in a substitution would fork, and each fork makes every start later.
  setsid='' env='' fresh=yes
  IFS=:
  for place in $PATH; do
    [ -z "$setsid" ] && [ -x "$place/setsid" ] && setsid=$place/setsid
    [ -z "$env" ] && [ -x "$place/env" ] && env=$place/env
  done
  unset IFS
  [ -n "$setsid" ] && [ -n "$env" ] || { echo 'no setsid and env in PATH'; exit 1; }
  state=closed
  { true >>/proc/sys/kernel/core_pattern; } 2>/dev/null && state=open
  exec 3<>"$directory/ctl"
fi

# Some shells end where they cannot fork, and this one must not: then it begins anew, in its place.
starting=
refuse() {
  echo full 1<>"$directory/$1.s"
}
failed() {
  [ -z "$starting" ] || refuse "$starting"
  exec /bin/sh "$0" "$directory" again "$setsid" "$env"
}
trap failed EXIT

# A shell without job control makes what it starts with '&' ignore SIGINT and SIGQUIT, for good.
# So a lane is started in the foreground of a subshell, which it kills: the lane is then a child of
# the first process, and every signal has its default action in the commands.
start() {
  starting=$1
  ( cd -P /proc/self; parent=\${PWD##*/}; ( lane "$1" ); : )
  # The lane has killed the subshell, if it came as far as that.
  [ $? -gt 128 ] || refuse "$1"
  starting=
}

lane() {
  kill -s KILL "$parent"
  # busybox ash ignores SIGQUIT by itself and hands that on.
  trap : QUIT; trap - QUIT
  exec 3<&- >"$directory/$1.s" 2>&1 <"$directory/$1.c" || exit 1
  echo ready
  while :; do
    # Without LC_ALL it would look for the locale of the sandbox, in a dozen files.
    LC_ALL=C "$setsid" /bin/sh "$0" "$directory" run "$env" "$directory/$1"
    echo "x $?"
  done
}

# What the host is told first it looks at while the lanes start.
[ -z "$fresh" ] || echo "gantry-agent 1 $state"
for name; do start "$name"; done
if [ -n "$fresh" ]; then
  trap - EXIT
  read -r word && [ "$word" = go ] || exit 1
  exec </dev/null >/dev/null 2>&1
  trap failed EXIT
fi
# Wakes the read below when a child ends; 'jobs' then reaps, without a fork and without waiting.
trap : CHLD
while :; do
  if read -r verb one two <&3; then
    case $verb in
      lane) case $one in *[!a-z0-9-]*|'') ;; *) start "$one" ;; esac ;;
      kill)
        case $two in
          *[!0-9]*|''|0*|1) ;;
          *) kill -s "$one" -- "-$two" || kill -s "$one" "$two" ;;
        esac ;;
    esac
  fi
  jobs
done
`;
