/** What a launcher is given. */
export interface LaunchFiles {
  /** The sandbox's directory, by its name below the state directory, with the FIFOs `go`, `time` and `report`. */
  readonly directory: string;
  /** Below the state directory. Opened as descriptors 4, 5 and so on, up to 9: a shell knows no others. */
  readonly inputs: readonly string[];
  /** The files of control groups in which the sandbox is to be. */
  readonly join: readonly string[];
  readonly asRoot: boolean;
}

/**
 * The text with which a spawner starts a sandbox. It stays as the sandbox's keeper: bubblewrap's parent,
 * whose end takes the sandbox with it, and which ends with it. The keeper is told through `time` how many
 * seconds the sandbox may live, and the agent through `go` to go on. Both FIFOs are at their end when the
 * process that made the sandbox has ended: until they are told, keeper and agent end then too. One of them
 * would not do, since there is a moment in which bubblewrap does not yet end with the keeper.
 *
 * All output goes to `report`, of which bubblewrap's own report on descriptor 3 is a part: it is at its end
 * when the sandbox is. Each FIFO is first opened for both ways, which never waits, so that nothing is stuck
 * when the maker has ended meanwhile. The keeper is killed by its own child only, and thus by none that
 * outlives it and meets another process of that id.
 */
export function launchText(files: LaunchFiles, command: readonly string[]): string {
  const { directory, inputs, join, asRoot } = files;
  const opened = inputs.map((file, index) => ` ${index + 4}<${quote(file)}`).join('');
  return [
    `exec 3<>${directory}/go <${directory}/go 3>&- || exit`,
    `exec 3<>${directory}/time 5<${directory}/time 3>&- || exit`,
    `exec 3<>${directory}/report >${directory}/report 2>&1 3>&- || exit`,
    'echo "keeper $self"',
    '{',
    '  if read -r seconds <&5; then',
    `    trap 'kill "$!"; exit' TERM`,
    '    sleep "$seconds" &',
    '    wait "$!"',
    '  fi',
    '  read -r own name mode parent rest </proc/self/stat',
    '  [ "$parent" != "$self" ] || kill -s KILL "$self"',
    '} </dev/null >/dev/null 2>&1 &',
    'timer=$!',
    'echo "timer $timer"',
    'exec 5<&-',
    '(',
    `  exec 3>&1${opened} || exit`,
    // Where memory runs out on the host, sandboxes go before its own programs.
    '  { echo 500 >/proc/self/oom_score_adj; } 2>/dev/null',
    // 0 is whoever writes it. The keeper stays outside: what freezes the sandbox must not stop its time.
    ...join.map((file) => `  echo 0 >${quote(file)} || exit`),
    ...(asRoot ? ['  ulimit -f unlimited || exit'] : []),
    '  cd /',
    `  exec ${command.map(quote).join(' ')}`,
    ')',
    'kill "$timer"',
    '',
  ].join('\n');
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
