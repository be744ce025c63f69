import { constants } from 'node:os';
import {
  type Call,
  type Command,
  type DriverProcess,
  type DriverTerminal,
  SandboxError,
  type Signal,
  type TerminalSize,
} from '@gantry/core/driver';
import { runInGuest, type GuestShell, tools } from './guest-shell.ts';

/** How long script(1) may take to open the terminal. */
const openWithinMs = 30_000;
const longestReport = 4_096;
/** What a person's keys send: only the job in the foreground gets them. */
const keySignals: ReadonlySet<string> = new Set([
  'SIGINT',
  'SIGQUIT',
  'SIGTSTP',
  'SIGCONT',
  'SIGWINCH',
]);

// script(1) looks at SHELL, which belongs to the command. Descriptor 5 is the report to the host.
const outerScript = `set -- "$1" "$(PATH=${tools}:$PATH; command -v script)"
[ -n "$2" ] || { echo no script >&2; exit 0; }
[ -z "\${SHELL+set}" ] || export GANTRY_TERMINAL_SHELL="$SHELL"
SHELL=/bin/sh exec "$2" -qefc "$1" /dev/null 5>&2
`;

/**
 * A pseudo-terminal that is wholly the sandbox's: script(1) opens it in there and passes its bytes on.
 * `command` is what runs in it, with the sandbox's environment in it.
 */
export async function openTerminal(
  agent: GuestShell,
  command: Omit<Command, 'stdin'>,
  size: TerminalSize,
  call: Call,
): Promise<DriverTerminal> {
  const process = await agent.spawn(
    {
      ...command,
      argv: ['/bin/sh', '-c', outerScript, 'gantry-terminal', innerScript(command.argv, size)],
      env: { TERM: 'xterm-256color', ...command.env },
      stdin: 'stream',
    },
    call,
  );
  const { stdin } = process;
  if (!stdin) throw new SandboxError('internal', 'the agent gave a terminal no input');
  let over = false;
  const end = (): void => void (over = true);
  process.exit.then(end, end);
  let opened: OpenedTerminal;
  try {
    opened = await reportOf(process, call.signal);
  } catch (error) {
    await process.kill('SIGKILL');
    await Promise.all([process.stdout.cancel(), stdin.abort().catch(() => undefined)]);
    throw error;
  }
  const { session, device } = opened;
  const keys = stdin.getWriter();
  // A lane serves the next command once nothing of the last one is open.
  const hangUp = (): void => void keys.abort().catch(() => undefined);
  process.exit.then(hangUp, hangUp);
  return {
    input: new WritableStream({
      write: (bytes) => keys.write(bytes),
      close: () => keys.close(),
      abort: (reason) => keys.abort(reason),
    }),
    output: process.stdout,
    exit: process.exit,
    async resize(next) {
      if (over) return;
      const args = [device, String(next.rows), String(next.columns)];
      const code = await runInGuest(agent, 'stty rows "$2" cols "$3" <"$1"', args);
      if (code === 0 || over) return;
      throw new SandboxError(
        'unavailable',
        `stty could not resize ${device}: it ended with ${code}`,
      );
    },
    async kill(signal: Signal = 'SIGKILL') {
      if (!(signal in constants.signals)) {
        throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
      }
      if (over) return;
      if (signal !== 'SIGKILL') {
        const both = keySignals.has(signal) ? '' : '1';
        await runInGuest(agent, signalScript, [session, signal.slice(3), both]);
        return;
      }
      await Promise.all([process.kill('SIGKILL'), runInGuest(agent, killScript, [session])]);
    },
  };
}

/** What runs on the terminal: gives it its size and modes, says which it is, and becomes the command. */
function innerScript(argv: readonly string[], { rows, columns }: TerminalSize): string {
  return `( PATH=${tools}:$PATH
stty sane rows ${rows} cols ${columns} || exit
stty iutf8 2>/dev/null
echo "$$ $(tty)" >&5 ) || exit 126
exec 5>&-
unset SHELL
[ -z "\${GANTRY_TERMINAL_SHELL+set}" ] || export SHELL="$GANTRY_TERMINAL_SHELL"
unset GANTRY_TERMINAL_SHELL
exec ${argv.map(quote).join(' ')}
`;
}

// Field 8 of /proc/PID/stat is the process group in the foreground of the terminal, proc_pid_stat(5).
const signalScript = `read -r line <"/proc/$1/stat" || exit 0
session=$1 signal=$2 both=$3
set -- \${line##*) }
[ "$6" -le 1 ] || kill -s "$signal" -- "-$6"
[ -z "$both" ] || [ "$6" = "$session" ] || kill -s "$signal" -- "-$session"
`;

// Every process of the terminal's session. Again, because one may have forked meanwhile.
const killScript = `session=$1
for turn in 1 2 3 4 5; do
  found=
  for file in /proc/[0-9]*/stat; do
    { read -r line <"$file"; } 2>/dev/null || continue
    set -- \${line##*) }
    [ "$4" = "$session" ] && [ "$1" != Z ] || continue
    process=\${file#/proc/} found=1
    kill -s KILL "\${process%/stat}"
  done
  [ -n "$found" ] || break
done
`;

interface OpenedTerminal {
  /** The id of the session, and of the process that leads it. */
  readonly session: string;
  readonly device: string;
}

/** Reads what the terminal says of itself. It runs in the sandbox, so it may say anything. */
async function reportOf(process: DriverProcess, signal: AbortSignal): Promise<OpenedTerminal> {
  const reader = process.stderr.getReader();
  const stopped = Promise.withResolvers<never>();
  const abort = (): void => stopped.reject(signal.reason);
  const late = setTimeout(() => stopped.reject(notOpened('it did not open in time')), openWithinMs);
  signal.addEventListener('abort', abort, { once: true });
  let text = '';
  try {
    signal.throwIfAborted();
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), stopped.promise]);
      if (value) text += Buffer.from(value).toString('latin1');
      const found = /^([1-9]\d{0,9}) (\/dev\/pts\/\d{1,9})\n/m.exec(text);
      if (found) {
        void drain(reader);
        return { session: found[1] ?? '', device: found[2] ?? '' };
      }
      if (text.startsWith('no script\n')) {
        throw notOpened(
          'there is no script(1) in the sandbox, which opens terminals; use a root file system that has it (Debian: bsdutils, Alpine: util-linux-misc)',
        );
      }
      if (done || text.length > longestReport) {
        throw notOpened(JSON.stringify(text.slice(0, 500)));
      }
    }
  } catch (error) {
    void reader.cancel();
    throw error;
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', abort);
  }
}

function notOpened(reason: string): SandboxError {
  return new SandboxError('failed-precondition', `no terminal was opened: ${reason}`);
}

/** Whatever else is said there is nobody's output. */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // The terminal's own streams and exit tell of a lost link.
  }
}

/** One word for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
