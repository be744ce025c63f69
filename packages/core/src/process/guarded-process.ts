import type { DriverProcess } from '../contract/command.ts';
import type { ExitStatus, Signal } from '../contract/exit-status.ts';
import type { SandboxProcess } from '../contract/sandbox.ts';
import type { Traits } from '../contract/traits.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { type ErrorContext, toSandboxError } from '../errors/to-sandbox-error.ts';
import type { StopSource } from '../provider/stop-source.ts';
import { untilDrained, watchOutput } from './drained.ts';
import type { Feeding } from './feed-input.ts';

/** How long a killed process gets to be gone before it is reported as an orphan. */
const orphanAfterMs = 2_000;

/** A process whose outputs are still the driver's own. */
export type GuardedProcess = Omit<SandboxProcess, 'drained'>;

/**
 * A driver's process as consumers see it, guarded for as long as it lives: when `stop` fires, or the
 * source of its input fails, it is killed as far as the provider can and `exit` rejects. Owns `stop`.
 * Disposing a detached one lets go of it.
 */
export function guardProcess(
  started: DriverProcess,
  stop: StopSource,
  context: ErrorContext,
  feeding?: Feeding,
  detached = false,
): GuardedProcess {
  const exit = guardExit(started, stop, feeding, (error) => toSandboxError(error, context));
  // The caller may look at `exit` late or never; the rejection must not end the host process.
  exit.catch(() => undefined);
  return {
    ...(started.pid === undefined ? {} : { pid: started.pid }),
    ...(started.id === undefined ? {} : { id: started.id }),
    stdout: started.stdout,
    stderr: started.stderr,
    exit,
    kill: (signal: Signal = 'SIGTERM') =>
      started.kill(signal).catch((error: unknown) => {
        throw toSandboxError(error, { ...context, operation: 'kill' });
      }),
    async [Symbol.asyncDispose]() {
      if (!detached) await started.kill('SIGKILL');
      await Promise.all([started.stdout, started.stderr].map(letGo));
      if (!detached) await exit.catch(() => undefined);
    },
  };
}

async function guardExit(
  started: DriverProcess,
  stop: StopSource,
  feeding: Feeding | undefined,
  wrap: (error: unknown) => SandboxError,
): Promise<ExitStatus> {
  const exit = started.exit.then(
    (status) => ({ kind: 'ended', status }) as const,
    (error: unknown) => ({ kind: 'lost', error }) as const,
  );
  const stopped = stop.expired(0).then(() => ({ kind: 'stopped' }) as const);
  const badSource = new Promise<{ kind: 'bad-source'; error: unknown }>((resolve) => {
    void feeding?.failed.then(
      (fault) => fault && resolve({ kind: 'bad-source', error: fault.error }),
    );
  });
  try {
    const first = await Promise.race([exit, stopped, badSource]);
    if (first.kind === 'ended') return first.status;
    if (first.kind === 'lost') throw wrap(first.error);
    const orphan = await killAll(started, exit);
    const details = orphan === undefined ? {} : { orphan };
    if (first.kind === 'stopped') throw stop.error('unknown', undefined, details);
    throw new SandboxError(
      'aborted',
      `the source of the command's input failed: ${String(first.error)}`,
      {
        cause: first.error,
        outcome: 'unknown',
        retryable: false,
        details,
      },
    );
  } finally {
    feeding?.stop();
    stop[Symbol.dispose]();
  }
}

/** Kills; returns what is known of the process when it is still not gone after two seconds. */
async function killAll(
  started: DriverProcess,
  exit: Promise<unknown>,
): Promise<{ pid?: number; reason: string } | undefined> {
  const orphan = (reason: string): { pid?: number; reason: string } => ({
    ...(started.pid === undefined ? {} : { pid: started.pid }),
    reason,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(
      () => resolve(`still there ${orphanAfterMs} ms after SIGKILL`),
      orphanAfterMs,
    );
  });
  const killed = started.kill('SIGKILL').then(
    () => exit.then(() => undefined),
    (error: unknown) => `kill failed: ${String(error)}`,
  );
  const reason = await Promise.race([killed, late]);
  clearTimeout(timer);
  return reason === undefined ? undefined : orphan(reason);
}

/** Cancels a stream that nobody reads. One that is locked belongs to its reader. */
async function letGo(stream: ReadableStream<Uint8Array>): Promise<void> {
  // One that has failed cannot be cancelled; `exit` tells why it did.
  if (!stream.locked) await stream.cancel().catch(() => undefined);
}

/** A process for consumers, whose outputs can be seen to be drained. */
export function drainable(
  { stdout, stderr, ...process }: GuardedProcess,
  lingering: Traits['lingering'],
): SandboxProcess {
  const outputs = [watchOutput(stdout), watchOutput(stderr)] as const;
  const [out, err] = outputs;
  return {
    ...process,
    stdout: out.stream,
    stderr: err.stream,
    drained: () => untilDrained(outputs, lingering),
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      await Promise.all([out.stream, err.stream].map(letGo));
    },
  };
}
