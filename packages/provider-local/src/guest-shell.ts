import type { Call, Command, DriverProcess } from '@gantry/core/driver';

/** Where a root file system keeps its programs: whatever the user's PATH says, these come first. */
export const tools = '/usr/bin:/bin:/usr/sbin:/sbin';

/** What starts commands in a sandbox: the agent's client. */
export interface GuestShell {
  spawn(command: Command, call: Call): Promise<DriverProcess>;
}

/**
 * Runs a few lines of sh in the sandbox and resolves to their exit code, -1 for a death by signal. What
 * they write is dropped: it is the guest that answers, so nothing of it may be relied upon.
 */
export async function runInGuest(
  shell: GuestShell,
  script: string,
  args: readonly string[],
  signal: AbortSignal = AbortSignal.timeout(30_000),
): Promise<number> {
  const process = await shell.spawn(
    {
      argv: ['/bin/sh', '-c', `{ ${script}\n} >/dev/null 2>&1`, 'gantry', ...args],
      ...{ cwd: '/', env: { PATH: tools }, stdin: 'none' },
    },
    { signal },
  );
  await Promise.all([process.stdout.cancel(), process.stderr.cancel()]);
  return (await process.exit).code ?? -1;
}
