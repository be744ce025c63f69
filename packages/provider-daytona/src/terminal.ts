import { randomUUID } from 'node:crypto';
import {
  type Call,
  type Command,
  type DriverTerminal,
  type ExitStatus,
  SandboxError,
  type Signal,
  type TerminalSize,
} from '@gantry/core/driver';
import { noDirectory, shell, streams } from '@gantry/core/node';
import { explained } from './absence.ts';
import { withVendor } from './errors.ts';
import type { DaytonaHandle } from './handle.ts';
import { requireSignal, runSandboxScript } from './sandbox-script.ts';
import type { PtyHandle } from './sdk.ts';

const endOfInput = new Uint8Array([0x04]);

/** Opens a terminal whose shell becomes the command; what it shows before that is left out. */
export async function openTerminal(
  { sandbox, followed }: DaytonaHandle,
  command: Omit<Command, 'stdin'>,
  { columns: cols, rows }: TerminalSize,
  { signal: stop }: Call,
): Promise<DriverTerminal> {
  const id = `gantry-${randomUUID()}`;
  const place = `/tmp/.${id}`;
  const screen = new Screen(randomUUID());
  let opened: PtyHandle | undefined;
  const giveUp = (): void => screen.fail(stop.reason);
  stop.addEventListener('abort', giveUp, { once: true });
  try {
    await sandbox.fs.uploadFile(Buffer.from(becoming(command, screen.mark)), place);
    const onData = (bytes: Uint8Array): void => screen.show(bytes);
    const terminal = await sandbox.process.createPty({ id, cols, rows, cwd: '/', onData });
    opened = terminal;
    await terminal.sendInput(` exec /bin/sh ${place}\n`);
    const exit = exitOf(terminal.wait());
    exit.catch(() => undefined); // Whoever waits for it is told.
    const lose = (error: Error): void => {
      screen.fail(error);
      void terminal.disconnect();
    };
    followed.add(lose);
    const over = (): void => void followed.delete(lose);
    exit.then(over, over);
    exit.then(
      () => screen.end(),
      (error: unknown) => screen.fail(error),
    );
    const leader = await screen.begun;
    if (leader === 0) throw noDirectory();
    let ended = false;
    const note = (): void => void (ended = true);
    exit.then(note, note);
    return {
      output: screen.readable,
      exit,
      input: new WritableStream<Uint8Array>({
        write: (chunk) => withVendor(() => terminal.sendInput(chunk)),
        close: () => withVendor(() => terminal.sendInput(endOfInput)),
      }),
      resize: async (size) => {
        await withVendor(() => terminal.resize(size.columns, size.rows));
      },
      async kill(signal: Signal = 'SIGKILL') {
        if (ended) return;
        requireSignal(signal);
        await runSandboxScript(sandbox, shell.terminalKillScript, [
          signal.slice(3),
          String(leader),
        ]);
      },
    };
  } catch (error) {
    // Of one whose directory is missing neither is left. What failed is told.
    await sandbox.fs.deleteFile(place).catch(() => undefined);
    await opened?.kill().catch(() => undefined);
    throw await explained(error, sandbox);
  } finally {
    stop.removeEventListener('abort', giveUp);
  }
}

/** A script that becomes the command, once it has said that it is about to, and as which process. */
function becoming({ argv, cwd, env }: Omit<Command, 'stdin'>, mark: string): string {
  const { exports, assignments } = shell.environment(env);
  const program = argv.map((word) => shell.word(word)).join(' ');
  return `rm -f -- "$0"
gantry_env=$(command -v env)
cd -P -- ${shell.word(cwd)} 2>/dev/null || { printf '${mark}0.'; exit 1; }
unset OLDPWD
${exports.join('\n')}
printf '${mark}%d.' $$
exec "$gantry_env" -- ${assignments.join(' ')} ${program}
`;
}

async function exitOf(
  waiting: Promise<{ exitCode?: number; error?: string }>,
): Promise<ExitStatus> {
  const { exitCode, error = 'its connection was lost' } = await waiting.catch((cause: unknown) => {
    return { exitCode: undefined, error: String(cause) };
  });
  if (exitCode === undefined) {
    const message = `how the terminal ended was not told: ${error}`;
    throw new SandboxError('unavailable', message, { outcome: 'unknown' });
  }
  return exitCode < 0 ? { unknown: error } : { code: exitCode };
}

/** A mark with its process id is shorter. */
const longestMark = 100;

/** What a terminal shows, from the mark on, after which its leader's process id comes. */
class Screen {
  readonly mark: string;
  readonly begun: Promise<number>;
  readonly #output = new streams.OutputStream();
  readonly readable: ReadableStream<Uint8Array> = this.#output.readable;
  readonly #begin = Promise.withResolvers<number>();
  #before: Buffer | undefined = Buffer.alloc(0);

  constructor(mark: string) {
    this.mark = mark;
    this.begun = this.#begin.promise;
    this.begun.catch(() => undefined); // Whoever waits for it is told.
  }

  show(bytes: Uint8Array): void {
    if (!this.#before) return void this.#output.push(bytes);
    this.#before = Buffer.concat([this.#before, bytes]);
    const text = this.#before.toString('latin1');
    const match = new RegExp(`${this.mark}(\\d+)\\.`).exec(text);
    if (!match) {
      // Whatever is shown before, only its end can be the beginning of the mark.
      this.#before = this.#before.subarray(-longestMark);
      return;
    }
    const rest = this.#before.subarray(match.index + match[0].length);
    this.#before = undefined;
    this.#begin.resolve(Number(match[1]));
    void this.#output.push(rest);
  }

  end(): void {
    const message = 'the terminal ended before its command began';
    this.#begin.reject(new SandboxError('unavailable', message, { outcome: 'unknown' }));
    this.#output.end();
  }

  fail(error: unknown): void {
    this.#begin.reject(error);
    this.#output.fail(error);
  }
}
