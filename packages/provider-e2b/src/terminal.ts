import type { Command, DriverTerminal, Signal, TerminalSize } from '@gantry/core/driver';
import { shell, streams } from '@gantry/core/node';
import { withVendor } from './errors.ts';
import { exitStatusOf } from './exit-status.ts';
import { runGuestScript } from './guest-script.ts';
import type { E2bHandle } from './handle.ts';
import { terminalEnvironment } from './shell-line.ts';

const endOfInput = new Uint8Array([0x04]);

/** Opens a terminal whose interactive shell becomes the command before its first prompt. */
export async function openTerminal(
  { sandbox, followed }: E2bHandle,
  command: Omit<Command, 'stdin'>,
  { columns: cols, rows }: TerminalSize,
): Promise<DriverTerminal> {
  const output = new streams.OutputStream();
  const envs = terminalEnvironment(command);
  const opened = await withVendor(() =>
    sandbox.pty.create({
      ...{ cols, rows, envs, cwd: command.cwd, timeoutMs: 0 },
      onData: (bytes) => output.push(bytes),
    }),
  );
  followed.add(opened);
  const exit = exitStatusOf(opened);
  exit.then(
    () => output.end(),
    (error: unknown) => output.fail(error),
  );
  exit.then(
    () => followed.delete(opened),
    () => followed.delete(opened),
  );
  return {
    output: output.readable,
    exit,
    input: new WritableStream<Uint8Array>({
      write: (chunk) => withVendor(() => sandbox.pty.sendInput(opened.pid, chunk)),
      close: () => withVendor(() => sandbox.pty.sendInput(opened.pid, endOfInput)),
    }),
    resize: (size) =>
      withVendor(() => sandbox.pty.resize(opened.pid, { cols: size.columns, rows: size.rows })),
    async kill(signal: Signal = 'SIGKILL') {
      if (opened.exitCode !== undefined) return;
      await runGuestScript(sandbox, shell.terminalKillScript, [
        signal.slice(3),
        String(opened.pid),
      ]);
    },
  };
}
