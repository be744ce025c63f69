import {
  type Call,
  type Command,
  type DriverProcess,
  SandboxError,
  type Signal,
} from '@gantry/core/driver';
import { streams } from '@gantry/core/node';
import { type CommandHandle, InvalidArgumentError, SandboxNotFoundError } from 'e2b';
import { fromVendor } from './errors.ts';
import { exitStatusOf } from './exit-status.ts';
import { runGuestScript } from './guest-script.ts';
import type { E2bHandle } from './handle.ts';
import { shellLine } from './shell-line.ts';

/** Most bytes of input in one call of the vendor's. */
const inputPiece = 256 * 1024;
const encoder = new TextEncoder();

/** Starts a command through the vendor's login shell, which becomes it. */
export async function spawnCommand(
  { sandbox, followed }: E2bHandle,
  command: Command,
  call: Call,
): Promise<DriverProcess> {
  const { line, envs } = shellLine(command);
  const [stdout, stderr] = [new streams.OutputStream(), new streams.OutputStream()];
  const takesInput = command.stdin === 'stream';
  let started: CommandHandle;
  try {
    started = await sandbox.commands.run(line, {
      background: true,
      // The vendor's default would kill it after a minute, in the background too.
      ...{ timeoutMs: 0, cwd: command.cwd, envs, stdin: takesInput },
      onStdout: (text) => stdout.push(encoder.encode(text)),
      onStderr: (text) => stderr.push(encoder.encode(text)),
    });
  } catch (error) {
    throw await refused(error, command, sandbox);
  }
  followed.add(started);
  const kill = (signal: Signal = 'SIGKILL'): Promise<void> => killGroup(sandbox, started, signal);
  if (call.signal.aborted) {
    await kill();
    throw call.signal.reason;
  }
  const exit = exitStatusOf(started);
  exit.then(
    () => [stdout, stderr].forEach((output) => output.end()),
    (error: unknown) => [stdout, stderr].forEach((output) => output.fail(error)),
  );
  exit.then(
    () => followed.delete(started),
    () => followed.delete(started),
  );
  return {
    pid: started.pid,
    stdout: stdout.readable,
    stderr: stderr.readable,
    exit,
    kill,
    ...(takesInput ? { stdin: inputOf(started) } : {}),
  };
}

function inputOf(started: CommandHandle): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      for (let at = 0; at < chunk.length; at += inputPiece) {
        await started.sendStdin(chunk.subarray(at, at + inputPiece));
      }
    },
    close: () => started.closeStdin(),
    abort: () => started.closeStdin(),
  });
}

/** The vendor's API can only kill, and one process: the group is signalled from within the sandbox. */
async function killGroup(
  sandbox: E2bHandle['sandbox'],
  started: CommandHandle,
  signal: Signal,
): Promise<void> {
  if (!/^SIG[A-Z0-9]+$/.test(signal)) {
    throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
  }
  if (started.exitCode !== undefined) return;
  const script = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null';
  const args = [signal.slice(3), String(started.pid)];
  const { code } = await runGuestScript(sandbox, script, args);
  // Nobody by that number: it has ended, or the number is the vendor's own.
  if (code !== 0 && signal === 'SIGKILL') await started.kill();
}

async function refused(
  error: unknown,
  { cwd }: Command,
  sandbox: E2bHandle['sandbox'],
): Promise<unknown> {
  if (error instanceof SandboxNotFoundError) return absentOrLost(error, sandbox);
  if (!(error instanceof InvalidArgumentError) || !error.message.includes('cwd')) {
    return fromVendor(error);
  }
  const message = `the working directory ${cwd} is missing or is no directory`;
  return new SandboxError('failed-precondition', message, {
    details: { reason: 'cwd' },
    cause: error,
  });
}

/** The SDK takes any stream that breaks off early for a sandbox that is gone; the control plane knows. */
async function absentOrLost(
  lost: SandboxNotFoundError,
  sandbox: E2bHandle['sandbox'],
): Promise<unknown> {
  try {
    const { state } = await sandbox.getInfo();
    if (state === 'paused') return new SandboxError('failed-precondition', 'it is suspended');
  } catch (error) {
    return fromVendor(error);
  }
  const message = `the command's stream was lost before it began: ${lost.message}`;
  return new SandboxError('unavailable', message, { cause: lost, outcome: 'unknown' });
}
