import type { Command } from '../contract/command.ts';
import type { OperationOptions } from '../contract/call.ts';
import type { ExecResult } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { Session } from '../provider/session.ts';
import { type Capture, captureOutput } from './capture-output.ts';
import { type ProcessInput, startProcess } from './start-process.ts';

/** After the exit, an output that stays open and silent for this long has been left to another process. */
const lingerMs = 500;
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
    const lingering = await waitForEnd(ended, [stdout, stderr]);
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

/** Waits for both outputs to end; true when they did not and were let go of. */
async function waitForEnd(ended: Promise<unknown>, captures: readonly Capture[]): Promise<boolean> {
  const exitedAt = performance.now();
  for (;;) {
    const quietSince = Math.max(exitedAt, ...captures.map((capture) => capture.lastRead()));
    const wait = quietSince + lingerMs - performance.now();
    if (await endsWithin(ended, Math.max(wait, 0))) return false;
    // Bytes that arrived while this process was busy have moved `lastRead` by now.
    const newest = Math.max(exitedAt, ...captures.map((capture) => capture.lastRead()));
    if (newest === quietSince) break;
  }
  await Promise.allSettled(captures.map((capture) => capture.letGo()));
  return true;
}

async function endsWithin(ended: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    // One more turn of the event loop: what the kernel already holds is read before time is up.
    timer = setTimeout(() => setImmediate(() => resolve(false)), milliseconds);
  });
  try {
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    clearTimeout(timer);
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
