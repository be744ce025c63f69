import type { OperationOptions } from '../contract/call.ts';
import type { Command, DriverProcess } from '../contract/command.ts';
import type { InputSource } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { toSandboxError } from '../errors/to-sandbox-error.ts';
import { cleanupGraceMs } from '../provider/operate.ts';
import { StopSource } from '../provider/stop-source.ts';
import type { Session } from '../provider/session.ts';
import { readAll } from './byte-source.ts';
import { wholeInput } from './whole-input.ts';
import { feedInput } from './feed-input.ts';
import { type GuardedProcess, guardProcess } from './guarded-process.ts';

/** What a process is started with: nothing to read, a stream that the caller writes, or all of a source. */
export type ProcessInput = 'none' | 'stream' | { readonly source: InputSource };

/**
 * Starts a process and guards it for as long as it lives: a time-out or abort kills it as far as
 * the provider can and makes `exit` reject.
 */
export async function startProcess(
  session: Session,
  operation: string,
  command: Omit<Command, 'stdin'>,
  input: ProcessInput,
  options: OperationOptions,
): Promise<GuardedProcess> {
  const context = { provider: session.driver.id, operation, ref: session.handle.ref };
  const { detached } = command;
  const stdin = await driverInput(session, operation, input, detached === true);
  const stop = new StopSource(context, options);
  let started: DriverProcess;
  try {
    stop.throwIfStopped('not-started');
    started = await orGiveUp(
      session.driver.spawn(session.handle, { ...command, stdin }, stop.call),
      stop,
    );
  } catch (error) {
    stop[Symbol.dispose]();
    if (SandboxError.is(error) || !stop.stopped) throw toSandboxError(error, context);
    throw stop.error('unknown', error);
  }
  const feeding =
    typeof input === 'object' && started.stdin ? feedInput(input.source, started.stdin) : undefined;
  return {
    ...guardProcess(started, stop, context, feeding, detached),
    ...(input === 'stream' && started.stdin ? { stdin: started.stdin } : {}),
  };
}

/** Waits for a process to start; a driver that ignores an abort is left behind, and so is no process. */
async function orGiveUp(
  starting: Promise<DriverProcess>,
  stop: StopSource,
): Promise<DriverProcess> {
  const first = await Promise.race([starting, stop.expired(cleanupGraceMs)]);
  if (first !== 'expired') return first;
  void starting.then(
    (late) => late.kill('SIGKILL'),
    // It failed late: nothing was started, and the caller already has the error.
    () => undefined,
  );
  throw stop.error('unknown');
}

/** What the driver is told about input, as its trait `stdin` admits. */
async function driverInput(
  session: Session,
  operation: string,
  input: ProcessInput,
  detached: boolean,
): Promise<Command['stdin']> {
  const trait = session.capabilities.traits.stdin;
  if (input === 'none') return 'none';
  if (detached && input === 'stream') {
    throw new SandboxError(
      'invalid-argument',
      `${operation}: a detached process outlives the writer of a stream; give its input as bytes`,
    );
  }
  if (detached && trait === 'stream' && input !== 'stream') return readAll(input.source);
  if (trait === 'stream') {
    const most = session.driver.inlineInputBytes ?? 0;
    return (input !== 'stream' && wholeInput(input.source, most)) || 'stream';
  }
  if (trait === 'upfront' && input !== 'stream') return readAll(input.source);
  throw new SandboxError(
    'unsupported',
    `${operation} with ${input === 'stream' ? 'a stream as ' : ''}input is not supported by provider ${session.driver.id}: its trait stdin is ${trait}`,
    { details: { capability: 'stdin' } },
  );
}
