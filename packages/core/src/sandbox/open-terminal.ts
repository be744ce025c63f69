import type { SandboxDriver, TerminalSize } from '../contract/sandbox-driver.ts';
import type { Terminal, TerminalOptions } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { endingOutput } from '../process/drained.ts';
import { resolveCommand } from '../process/resolve-command.ts';
import { unsupported } from '../provider/capabilities.ts';
import { operate } from '../provider/operate.ts';
import type { Session } from '../provider/session.ts';

/** Opens a pseudo-terminal and gives it the checks and errors that every operation has. */
export async function openTerminal(
  session: Session,
  capability: NonNullable<SandboxDriver['terminal']>,
  options: TerminalOptions,
): Promise<Terminal> {
  const { driver, handle } = session;
  const { command = ['/bin/sh'], size = { columns: 80, rows: 24 } } = options;
  checkSize(size);
  const resolved = resolveCommand(session, 'terminal', command, options);
  const context = { provider: driver.id, operation: 'terminal', ref: handle.ref };
  const opened = await operate(
    context,
    options,
    (call) => capability.open(handle, resolved, size, call),
    (late) => late.kill('SIGKILL'),
  );
  opened.exit.catch(() => undefined); // The caller may never look at it.
  return {
    input: opened.input,
    output: endingOutput(opened.output, opened.exit),
    exit: opened.exit,
    async resize(next) {
      const resize = opened.resize?.bind(opened);
      if (!resize) throw unsupported(driver.id, 'resize', 'terminal.resize');
      checkSize(next);
      await operate({ ...context, operation: 'resize' }, {}, () => resize(next));
    },
    kill: (signal = 'SIGHUP') =>
      operate({ ...context, operation: 'kill' }, {}, () => opened.kill(signal)),
    async [Symbol.asyncDispose]() {
      await opened.kill('SIGKILL');
      await opened.exit.catch(() => undefined);
    },
  };
}

function checkSize({ columns, rows }: TerminalSize): void {
  const fits = [columns, rows].every(
    (value) => Number.isInteger(value) && value > 0 && value < 65_536,
  );
  if (fits) return;
  const message = `a terminal of ${columns} columns and ${rows} rows is impossible; both are whole numbers from 1`;
  throw new SandboxError('invalid-argument', message, { operation: 'terminal' });
}
