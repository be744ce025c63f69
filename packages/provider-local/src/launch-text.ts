/** What a keeper is made of. */
export interface KeeperPlan {
  /** Its directory, by the name below the state directory, with the FIFOs `go`, `time` and `report`. */
  readonly directory: string;
  /** The files of control groups in which its sandbox is to be. */
  readonly join: readonly string[];
}

/**
 * Keepers of sandboxes to be. A keeper is the parent of one sandbox's bubblewrap, whose end takes the sandbox
 * with it, and it ends with it. It is told through `time` how many seconds the sandbox may live. Its child is
 * in the sandbox's control groups and waits for the word to become the sandbox: `launch` and the name of a
 * file (`launchText`), through `go`, and the agent is later told `go` there. Both FIFOs are at their end when
 * the process that has them made has ended: until they are told, all of these end then too: the child and
 * the agent at once, and the keeper a while later with whatever has not.
 *
 * All output goes to `report`, of which bubblewrap's own report on descriptor 3 is a part: it is at its end
 * when the sandbox is. The keeper could read it too, so that nobody is killed by what it says to a maker that
 * has ended. Each FIFO is first opened for both ways, which never waits, so that nothing is stuck
 * when the maker has ended meanwhile. The keeper is killed by its own child only, and thus by none that
 * outlives it and meets another process of that id.
 */
const keeper = `keeper() {
  self=\${PWD##*/}
  cd /proc/self/fd/9 && exec 9<&- || exit
  exec 3<>"$1/go" <"$1/go" 3>&- || exit
  exec 3<>"$1/time" 5<"$1/time" 3>&- || exit
  exec 6<>"$1/report" >"$1/report" 2>&1 || exit
  # Only now does whoever waits go on: the directory may have another name in a moment.
  kill -s KILL "$parent"
  echo "keeper $self"
  {
    if read -r seconds <&5; then
      ended='' sleeper=''
      # SIGKILL: before it has become sleep(1), it would take any other for its shell's.
      trap 'ended=yes; [ -z "$sleeper" ] || kill -s KILL "$sleeper"' TERM
      sleep "$seconds" &
      sleeper=$!
      [ -z "$ended" ] || kill -s KILL "$sleeper"
      wait "$sleeper"
      [ -z "$ended" ] || exit
    else
      # The sandbox ends by itself, and needs time to: where bubblewrap is killed too early, its child waits
      # for it for ever.
      for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        sleep 1
        read -r own name mode parent rest </proc/self/stat
        [ "$parent" = "$self" ] || exit
      done
    fi
    read -r own name mode parent rest </proc/self/stat
    [ "$parent" != "$self" ] || kill -s KILL "$self"
  } </dev/null >/dev/null 2>&1 6>&- &
  timer=$!
  echo "timer $timer"
  exec 5<&-
  (
    exec 6>&-
    # Where memory runs out on the host, sandboxes go before its own programs.
    { echo 500 >/proc/self/oom_score_adj; } 2>/dev/null
    shift
    # 0 is whoever writes it. The keeper stays outside: what freezes the sandbox must not stop its time.
    for group; do echo 0 >"$group" || exit; done
    read -r word file && [ "$word" = launch ] || exit
    . "./$file"
  )
  kill "$timer"
  exit
}
keep() {
  (
    cd -P /proc/self
    parent=\${PWD##*/}
    (
      cd -P /proc/self
      keeper "$@"
    )
    :
  )
  # The keeper has killed the subshell, if it came as far as that.
  [ $? -gt 128 ] || exit 74
}
`;

/** The text that starts keepers, each as a process that outlives the shell. It is run in the state directory. */
export function keepersText(plans: readonly KeeperPlan[]): string {
  return [
    'exec 9<. </dev/null || exit',
    keeper,
    ...plans.map(({ directory, join }) => ['keep', directory, ...join.map(quote)].join(' ')),
    'exit 0',
    '',
  ].join('\n');
}

/**
 * The text by which a keeper's child becomes a sandbox. `inputs` are files below the state directory, opened as
 * descriptors 4, 5 and so on, up to 9: a shell knows no others.
 */
export function launchText(
  inputs: readonly string[],
  asRoot: boolean,
  command: readonly string[],
): string {
  const opened = inputs.map((file, index) => ` ${index + 4}<${quote(file)}`).join('');
  return [
    `exec 3>&1${opened} || exit`,
    ...(asRoot ? ['ulimit -f unlimited || exit'] : []),
    'cd /',
    `exec ${command.map(quote).join(' ')}`,
    '',
  ].join('\n');
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
