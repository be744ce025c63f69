/**
 * What runs in the container for each lane: a loop in POSIX sh (dash, busybox ash, bash) that is the child of
 * `docker-init -s`, to which whatever its commands leave behind is reparented, so that a command's
 * processes can all be found. It reads three lines for each request, on its standard input:
 *
 *     KEY                 unguessable, new for each request
 *     0 | 1 | n BYTES | kill | look
 *                         without input; the rest of the lane's input is the command's; so many bytes after the next line
 *                         are; a kill; whether what the last command left behind has an output open
 *     TEXT                what to evaluate (`commandText`), or: INIT LANE ROOT SIGNAL
 *
 * and writes KEY and a word in between what the command writes (see `lane-message.ts`):
 *
 *     d                   the working directory cannot be entered; nothing ran
 *     p PID INIT LANE ROOT
 *                         the command runs; ROOT is the shell whose children's children are its processes
 *     e STATUS WORDS LEFT KILLS
 *                         it ended with the shell's $?; WORDS is 1 when the shell spoke of a signal; LEFT is 0
 *                         when no process of it is left, 2 when none of those left has an output open; KILLS is 1 when the kernel has killed for memory meanwhile
 *
 * KEY alone ends the standard error of each command. Killing starts no process: it must work when there can be none.
 */
export const laneScript: string = `
unset g_o g_h g_k g_i g_c g_w g_v g_q g_x g_l g_f g_t g_a g_n g_b g_m g_u g_p OLDPWD
g_nl='
'
g_r=$(command -v setsid)
g_h=$(command -v head)
g_b=; { read -r g_b </proc/$PPID/comm; } 2>/dev/null
exec 3>&1 4>&2
for g_m in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control /dev/null; do
  [ -r "$g_m" ] && break
done
g_oom() {
  g_u=0
  while read -r g_f g_l; do case $g_f in oom_kill) g_u=$g_l ;; esac; done <"$g_m"
}
g_list() {
  g_x=
  for g_f in /proc/$1/task/*/children; do
    g_l=; read -r g_l <"$g_f"
    g_x="$g_x $g_l"
  done 2>/dev/null
}
g_tree() {
  g_t=
  g_list "$3"
  for g_q in $g_x; do g_list "$g_q"; g_t="$g_t $g_x"; done
  g_list "$1"
  for g_q in $g_x; do [ "$g_q" = "$2" ] || g_t="$g_t $g_q"; done
  g_a=
  while g_n=; for g_q in $g_t; do g_n=1; done; [ -n "$g_n" ]; do
    g_a="$g_a $g_t"
    g_n=
    for g_q in $g_t; do g_list "$g_q"; g_n="$g_n $g_x"; done
    g_t=$g_n
  done
}
g_silent() {
  g_tree "$PPID" "$$" "$$"
  for g_q in $g_a; do
    g_l=; { read -r g_l </proc/$g_q/stat; } 2>/dev/null
    case $g_l in ''|*') Z '*) continue ;; esac
    [ -r /proc/$g_q/fd ] || return 1
    for g_f in /proc/$g_q/fd/*; do
      [ "$g_f" -ef /proc/$$/fd/3 ] && return 1
      [ "$g_f" -ef /proc/$$/fd/4 ] && return 1
    done
  done
  return 0
}
g_give() {
  if [ "$g_h" ]; then exec head -c "$1" 3>&- 4>&-; fi
  exec dd ibs=1 count="$1" 2>/dev/null 3>&- 4>&-
}
g_rest() { exec cat >/dev/null 3>&- 4>&-; }
g_send() { for g_q in $g_a; do kill -s "$1" "$g_q"; done 2>/dev/null; }
g_kill() {
  if [ "$4" != KILL ]; then g_tree "$1" "$2" "$3"; g_send "$4"; return; fi
  g_v=
  for g_w in 1 2 3 4 5 6 7 8 9 10; do
    g_tree "$1" "$2" "$3"; g_send STOP
    [ "$g_a" = "$g_v" ] && break
    g_v=$g_a
  done
  for g_w in 1 2 3 4 5 6 7 8 9 10; do
    g_send KILL; g_tree "$1" "$2" "$3"
    case $g_a in *[0-9]*) ;; *) break ;; esac
  done
}
while IFS= read -r g_k && IFS= read -r g_i && IFS= read -r g_c; do
  case $g_i in [01n]*) g_oom; g_p=$g_u ;; esac
  case $g_i in
    0) g_w=$( { ( eval "$g_c" ) </dev/null >&3 2>&4 3>&- 4>&-; echo "x$?"; } 2>&1 ) ;;
    1) g_w=$( { ( eval "$g_c" ) >&3 2>&4 3>&- 4>&-; echo "x$?"; } 2>&1 ) ;;
    n*) g_w=$( read -r g_o g_u </proc/self/stat; { g_give "\${g_i#n }" | { ( eval "$g_c" ) >&3 2>&4 3>&- 4>&-; echo "x$?"; g_rest; }; } 2>&1 ) ;;
    kill) g_kill $g_c; g_w=x0 ;;
    look) g_w=x0 ;;
    *) exit 1 ;;
  esac
  g_v=; { read -r g_v </proc/$PPID/task/$PPID/children; } 2>/dev/null
  case $g_b:$g_v in
    docker-init:$$|tini:$$) g_v=0 ;;
    docker-init:*|tini:*) g_silent && g_v=2 || g_v=1 ;;
    *) g_v=1 ;;
  esac
  case $g_w in x*) g_x=0 ;; *) g_x=1 ;; esac
  case $g_w in *x137) g_oom ;; esac
  [ "$g_u" = "$g_p" ] && g_l=0 || g_l=1
  printf '%s\\n' "$g_k" >&4
  printf '%se %s %s %s %s\\n' "$g_k" "\${g_w##*x}" "$g_x" "$g_v" "$g_l"
  case $g_i in 1) exec cat >/dev/null 2>&1 3>&- 4>&- ;; esac
done
`;

/** Program and arguments that start a script below an init that adopts orphans, where the container has one. */
export function underInit(script: string, ...args: readonly string[]): string[] {
  const start =
    '[ -x /sbin/docker-init ] && exec /sbin/docker-init -s -- /bin/sh -c "$0" sh "$@"; exec /bin/sh -c "$0" sh "$@"';
  return ['/bin/sh', '-c', start, script, ...args];
}
