import type { Sandbox, SandboxProcess, Terminal } from '@gantry/core';
import { commandExitCode, GANTRY_FAILED } from '../exit-codes.ts';
import { messageOf } from '../errors/cli-error.ts';
import { note, printJson } from '../output/print.ts';
import { hostInput } from '../process/host-input.ts';
import { runProcess, type RunOutcome } from '../process/run-process.ts';
import { runTerminal } from '../process/run-terminal.ts';
import { hostSink } from '../process/sink.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { type SandboxOptions, withSandbox } from '../sandbox/with-sandbox.ts';
import type { CommonOptions, Session } from '../session.ts';

/** Options of `gantry shell`. */
export interface ShellActionOptions extends CommonOptions, SandboxOptions {}

/** `gantry shell`: an interactive shell. Returns the exit code of the shell. */
export async function shell(session: Session, options: ShellActionOptions): Promise<number> {
  const provider = await loadProvider(options.provider, options.egress);
  const done = await withSandbox(session, provider, options, async (sandbox) => ({
    ref: sandbox.ref,
    ...(await openShell(session, sandbox)),
  }));
  const code = commandExitCode(done.exit) ?? GANTRY_FAILED;
  if (done.exit.unknown !== undefined)
    note(`how the shell ended is not known: ${done.exit.unknown}`);
  if (session.json) printJson({ ref: done.ref, exit: done.exit, durationMs: done.durationMs });
  return code;
}

function openShell(session: Session, sandbox: Sandbox): Promise<RunOutcome> {
  // With --json, stdout belongs to the one document at the end.
  const output = session.json ? process.stderr : process.stdout;
  if (sandbox.capabilities.terminal !== undefined && process.stdin.isTTY) {
    return runTerminal(session.interrupts, () => openTerminal(session, sandbox), output);
  }
  return lineMode(session, sandbox, output);
}

function openTerminal(session: Session, sandbox: Sandbox): Promise<Terminal> {
  const { isTTY, columns, rows } = process.stdout;
  return sandbox.terminal({
    signal: session.interrupts.signal,
    // A terminal that does not know its size says 0.
    ...(isTTY && columns > 0 && rows > 0 ? { size: { columns, rows } } : {}),
    env: { TERM: process.env['TERM'] ?? 'xterm-256color' },
  });
}

async function lineMode(
  session: Session,
  sandbox: Sandbox,
  output: NodeJS.WriteStream,
): Promise<RunOutcome> {
  const interactive = process.stdin.isTTY;
  if (interactive) {
    note(`provider ${sandbox.ref.provider} has no terminals: this is a plain shell, line by line`);
  }
  return runProcess(sandbox, {
    command: interactive ? ['/bin/sh', '-i'] : ['/bin/sh'],
    env: interactive ? { PS1: `${sandbox.ref.id.slice(0, 12)}$ ` } : {},
    input: await hostInput(sandbox, true),
    stdout: hostSink(output),
    stderr: hostSink(process.stderr),
    interrupts: session.interrupts,
    ...(interactive ? { onSignal: interruptOrHangUp } : {}),
  });
}

/** An interactive shell survives SIGINT, which stops what it runs, and ignores SIGTERM. */
function interruptOrHangUp(running: SandboxProcess, signal: `SIG${string}`): void {
  running.kill(signal === 'SIGINT' ? signal : 'SIGKILL').catch((error: unknown) => {
    note(`${signal} did not reach the shell: ${messageOf(error)}`);
  });
}
