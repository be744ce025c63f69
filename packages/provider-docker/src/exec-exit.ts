import { setTimeout as delay } from 'node:timers/promises';
import type { ExitStatus, Signal } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';
import type Dockerode from 'dockerode';
import { dockerError } from './errors.ts';

/** The daemon tells a death by signal n as 128 + n: only a signal that was sent from here is known to be one. */
export async function exitOf(
  exec: Dockerode.Exec,
  sent: () => Signal | undefined,
): Promise<ExitStatus> {
  let { ExitCode: code, Running: isRunning } = await inspect(exec);
  // The connection may end a little before the daemon knows of the process's end.
  for (let turn = 0; isRunning && turn < 50; turn++) {
    await delay(100);
    ({ ExitCode: code, Running: isRunning } = await inspect(exec));
  }
  if (code === null || isRunning) return { unknown: 'the connection was lost while it ran' };
  const perhaps = shell.exitStatus(code, true);
  if (perhaps.signal === undefined || perhaps.signal === sent()) return perhaps;
  return {
    unknown: `it ended with code ${code}, or was killed by ${perhaps.signal}; the daemon does not tell which`,
  };
}

function inspect(exec: Dockerode.Exec): Promise<Dockerode.ExecInspectInfo> {
  return exec.inspect().catch((error: unknown) => {
    throw dockerError(error, 'asking how a command ended');
  });
}
