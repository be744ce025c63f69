import type { DriverProcess } from '../contract/command.ts';
import type { ExitStatus } from '../contract/exit-status.ts';
import { SandboxError } from '../errors/sandbox-error.ts';

/**
 * The same process, but that its `exit` rejects with `resource-exhausted` where it ended by SIGKILL
 * that nobody here had sent, and `happened` says, then, that the kernel has killed for memory in the sandbox
 * since the process was started.
 */
export function tellOutOfMemory(started: DriverProcess, happened: () => boolean): DriverProcess {
  let killed = false;
  const exit = started.exit.then(
    (status: ExitStatus) => {
      // A shell passes the death of its last command on as a code.
      const bySigkill = status.signal === 'SIGKILL' || status.code === 137;
      if (bySigkill && !killed && happened()) throw outOfMemory();
      return status;
    },
    (error: unknown) => {
      throw !killed && happened() ? outOfMemory(error) : error;
    },
  );
  // Whoever holds the process looks at it, maybe late.
  exit.catch(() => undefined);
  return {
    ...started,
    exit,
    kill(signal) {
      killed ||= signal === undefined || signal === 'SIGKILL';
      return started.kill(signal);
    },
  };
}

function outOfMemory(cause?: unknown): SandboxError {
  const message =
    'the command was killed because the sandbox was out of memory; ask for more with resources.memoryBytes';
  return new SandboxError('resource-exhausted', message, {
    outcome: 'unknown',
    retryable: false,
    details: { reason: 'oom' },
    ...(cause === undefined ? {} : { cause }),
  });
}
