/** What a launcher is given, by names below the state directory. */
export interface LaunchFiles {
  /** The sandbox's directory, with the FIFOs `go` and `report`. */
  readonly directory: string;
  /** Opened for reading as descriptors 4, 5 and so on, up to 9: a shell knows no others. Closed by whoever reads them. */
  readonly inputs: readonly string[];
}

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
    `exec 3<>${directory}/report >${directory}/report 2>&1 3>&- || exit`,
    'echo "keeper $self"',
    `exec 3>&1${inputs.map((file, index) => ` ${index + 4}<${quote(file)}`).join('')} || exit`,
    `cd /`,
    `exec ${command.map(quote).join(' ')}`,
    '',
  ].join('\n');
}

/** One word for a POSIX shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
