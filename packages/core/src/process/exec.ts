import type { Command } from '../contract/command.ts';
import type { OperationOptions } from '../contract/call.ts';
import type { ExecResult } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { Session } from '../provider/session.ts';
import { type Capture, captureOutput } from './capture-output.ts';
import { untilDrained } from './drained.ts';
import { type ProcessInput, startProcess } from './start-process.ts';

/** How much of each output an error about a killed command carries. */
const errorTail = 4_096;

/** How much is kept of each output of `exec` by default. */
const defaultMaxOutputBytes: number = 10 * 1024 * 1024;

/** Runs a command to its end, reading both outputs while it feeds the input. */
export async function runCommand(
  session: Session,
  operation: string,
  command: Omit<Command, 'stdin'>,
  input: ProcessInput,
  options: OperationOptions & { readonly maxOutputBytes?: number },
): Promise<ExecResult> {
  const { maxOutputBytes = defaultMaxOutputBytes } = options;
  if (!(maxOutputBytes >= 0)) {
    throw new SandboxError('invalid-argument', `${operation}: maxOutputBytes must be 0 or more`, {
      operation,
    });
  }
  const begin = performance.now();
  const started = await startProcess(session, operation, command, input, options);
  const stdout = captureOutput(started.stdout, maxOutputBytes);
  const stderr = captureOutput(started.stderr, maxOutputBytes);
  const ended = Promise.all([stdout.ended, stderr.ended]);
  // Looked at after the exit; until then a failed stream must not end the host process.
  ended.catch(() => undefined);
  try {
    const exit = await started.exit;
    const { lingering: told } = session.capabilities.traits;
    const lingering = (await untilDrained([stdout, stderr], told)) === 'lingering';
    if (lingering && told === 'untold') {
      const message = `${operation}: the command has ended, and the end of its outputs has not come`;
      throw new SandboxError('unavailable', message, { outcome: 'completed' });
    }
    if (lingering) await Promise.allSettled([stdout.letGo(), stderr.letGo()]);
    return {
      exit,
      ok: exit.code === 0,
      stdout: stdout.result(),
      stderr: stderr.result(),
      lingering,
      durationMs: performance.now() - begin,
    };
  } catch (error) {
    await Promise.allSettled([stdout.letGo(), stderr.letGo()]);
    throw withOutput(error, stdout, stderr);
  }
}

/** The same error, with the end of what the command wrote: what people look for first. */
function withOutput(error: unknown, stdout: Capture, stderr: Capture): unknown {
  if (!SandboxError.is(error)) return error;
  const tail = (capture: Capture): string =>
    new TextDecoder().decode(capture.result().bytes.subarray(-errorTail));
  return error.with({
    details: { ...error.details, stdoutTail: tail(stdout), stderrTail: tail(stderr) },
  });
}
