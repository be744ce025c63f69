import {
  type CommandLine,
  type ExitStatus,
  type ProcessOptions,
  type Sandbox,
  SandboxError,
  type SandboxProcess,
} from '@gantry/core';
import { formatDuration } from '../duration.ts';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { TIMED_OUT } from '../exit-codes.ts';
import type { Interrupts } from '../interrupts.ts';
import { feedInput } from './feed-input.ts';
import type { HostInput } from './host-input.ts';
import { OutputPump } from './output-pump.ts';
import { type Sink, SinkFailed } from './sink.ts';

/** What to run, and what its input and outputs are joined to. */
export interface RunRequest extends ProcessOptions {
  readonly command: CommandLine;
  readonly timeoutMs?: number;
  readonly input: HostInput;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly interrupts: Interrupts;
  /** What a signal to gantry does. Default: the first goes to the command, the second kills it. */
  readonly onSignal?: (process: SandboxProcess, signal: `SIG${string}`, count: number) => void;
}

/** How it went. */
export interface RunOutcome {
  readonly exit: ExitStatus;
  /** True when a process that the command left behind still held an output open. */
  readonly lingering: boolean;
  readonly durationMs: number;
}

/**
 * Runs a command with its input and outputs streamed, and signals to gantry passed on. Rejects with
 * what the sandbox rejects with, so a time-out is `deadline-exceeded`.
 */
export async function runProcess(sandbox: Sandbox, request: RunRequest): Promise<RunOutcome> {
  const { interrupts, onSignal = forwardThenKill } = request;
  const startedAt = performance.now();
  const running = await sandbox.spawn(request.command, {
    stdin: request.input,
    signal: interrupts.signal,
    ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
    ...(request.env === undefined ? {} : { env: request.env }),
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  });
  let signals = 0;
  using _ = interrupts.handOver((signal) => {
    signals += 1;
    // The third signal in a row: killing did not help either.
    if (signals > 2 && onSignal === forwardThenKill) interrupts.abort(signal);
    else onSignal(running, signal, signals);
  });
  const feed = running.stdin && feedInput(process.stdin, running.stdin);
  const pumps = [
    new OutputPump(running.stdout, request.stdout),
    new OutputPump(running.stderr, request.stderr),
  ];
  try {
    const exit = await Promise.race([
      running.exit,
      failureOf(Promise.all(pumps.map((pump) => pump.done))),
      ...(feed ? [failureOf(feed.done)] : []),
    ]);
    const lingering = (await running.drained()) === 'lingering';
    if (lingering) await Promise.all(pumps.map((pump) => pump.cancel()));
    await Promise.all(pumps.map((pump) => pump.done));
    return { exit, lingering, durationMs: performance.now() - startedAt };
  } catch (error) {
    await running[Symbol.asyncDispose]();
    if (error instanceof SinkFailed) interrupts.outputFailed(error.cause);
    throw SandboxError.is(error) && error.code === 'deadline-exceeded'
      ? timedOut(error, request.timeoutMs)
      : error;
  } finally {
    feed?.stop();
    await Promise.all(pumps.map((pump) => pump.cancel()));
  }
}

/** Settles only when `work` fails. */
function failureOf(work: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    work.catch(reject);
  });
}

function timedOut(error: SandboxError, timeoutMs = 0): CliError {
  const orphan = error.details['orphan'];
  const fate = orphan === undefined ? 'was killed' : 'could not be killed';
  return new CliError(
    `the command did not finish within ${formatDuration(timeoutMs)} and ${fate}`,
    {
      code: error.code,
      exitCode: TIMED_OUT,
      cause: error,
      details: error.details,
    },
  );
}

function forwardThenKill(running: SandboxProcess, signal: `SIG${string}`, count: number): void {
  running.kill(count === 1 ? signal : 'SIGKILL').catch((error: unknown) => {
    process.stderr.write(`gantry: ${signal} did not reach the command: ${messageOf(error)}\n`);
  });
}
