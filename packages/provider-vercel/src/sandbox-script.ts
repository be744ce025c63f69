import { withVendor } from './errors.ts';
import type { VercelHandle } from './handle.ts';

/** What a script of ours in the sandbox came to. */
export interface ScriptResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a short script of POSIX sh in the sandbox, in one call of the vendor's; never in a sandbox that would have to be woken. */
export function runSandboxScript(
  { sandbox }: Pick<VercelHandle, 'sandbox'>,
  script: string,
  args: readonly string[] = [],
  options: { readonly sudo?: boolean } = {},
): Promise<ScriptResult> {
  return withVendor(async () => {
    const finished = await sandbox.currentSession().runCommand({
      ...{ cmd: '/bin/sh', args: ['-c', script, 'gantry', ...args], cwd: '/' },
      ...options,
    });
    const [stdout, stderr] = [await finished.stdout(), await finished.stderr()];
    return { code: finished.exitCode, stdout, stderr };
  });
}
