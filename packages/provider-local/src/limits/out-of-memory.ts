import { type DriverProcess, SandboxError, type ExitStatus } from '@gantry/core/driver';
import type { CgroupDirectory } from './find-cgroups.ts';
import { cgroupWith, readCount } from './sandbox-cgroups.ts';

/** How many processes of a sandbox the kernel has killed because they took too much memory. */
export function outOfMemoryKills(
  cgroups: readonly CgroupDirectory[] | undefined,
): number | undefined {
  const memory = cgroupWith(cgroups, 'memory');
  if (!memory) return undefined;
  return readCount(
    memory.path,
    memory.version === 1 ? 'memory.oom_control' : 'memory.events',
    'oom_kill',
  );
}

/**
 * The same process, but that its `exit` rejects with `resource-exhausted` where it ended by SIGKILL
 * that nobody here had sent, and the kernel has killed for memory in the sandbox since `before`.
 */
export function tellOutOfMemory(
  started: DriverProcess,
  cgroups: readonly CgroupDirectory[] | undefined,
  before: number | undefined,
): DriverProcess {
  if (before === undefined) return started;
  let killed = false;
  const happened = (): boolean => !killed && (outOfMemoryKills(cgroups) ?? 0) > before;
  const exit = started.exit.then(
    (status: ExitStatus) => {
      // A shell passes the death of its last command on as a code.
      const bySigkill = status.signal === 'SIGKILL' || status.code === 137;
      if (bySigkill && happened()) throw outOfMemory();
      return status;
    },
    (error: unknown) => {
      throw happened() ? outOfMemory(error) : error;
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
