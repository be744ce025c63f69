/** What a launcher is given, by names below the state directory. */
export interface LaunchFiles {
  /** The sandbox's directory, with the FIFOs `go` and `report`. */
  readonly directory: string;
  /** Opened for reading as descriptors 4, 5 and so on, up to 9: a shell knows no others. Closed by whoever reads them. */
  readonly inputs: readonly string[];
}

const openReport = (directory: string): string[] => [
  `exec 3<>${directory}/report >${directory}/report 2>&1 3>&- || exit`,
  'echo "keeper $self"',
];

const openInputs = (inputs: readonly string[]): string =>
  `3>&1${inputs.map((file, index) => ` ${index + 4}<${quote(file)}`).join('')}`;

/**
 * The text with which a spawner starts a sandbox. Standard input comes from `go`, all output goes to
 * `report`, of which bubblewrap's own report on descriptor 3 is a part. Each FIFO is first opened for both
 * ways: that never waits, so that nothing is stuck when the process that made the directory has ended.
 * From then on `go` is at its end when that process has ended, and `report` when the sandbox has.
 */
export function launchText(files: LaunchFiles, command: readonly string[]): string {
  const { directory, inputs } = files;
  return [
    `exec 3<>${directory}/go <${directory}/go 3>&- || exit`,
    ...openReport(directory),
    `exec ${openInputs(inputs)} || exit`,
    'cd /',
    `exec ${command.map(quote).join(' ')}`,
    '',
  ].join('\n');
}

/**
 * The same for a sandbox whose lifetime is not known yet: `command` is without timeout(1), and the
 * seconds come through `go`. Until then the sandbox ends when `go` does. The shell stays as the keeper: as
 * bubblewrap's parent it takes the sandbox with it. It is killed by its own child only, and by no process
 * that has got the id of a keeper that is gone.
 */
export function warmLaunchText(files: LaunchFiles, command: readonly string[]): string {
  const { directory, inputs } = files;
  return [
    `exec 3<>${directory}/go 5<${directory}/go 3>&- </dev/null || exit`,
    ...openReport(directory),
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
    'exec 5<&-',
    '(',
    `  exec ${openInputs(inputs)} <<'END' || exit`,
    'go',
    'END',
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
