import type { Sandbox } from 'e2b';
import { CommandExitError } from 'e2b';
import { quote } from './shell-line.ts';
import { withVendor } from './errors.ts';

/** What a script of ours in the sandbox came to. */
export interface ScriptResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a POSIX sh script with arguments as the sandbox's user, in one call of the vendor's. */
export async function runGuestScript(
  sandbox: Sandbox,
  script: string,
  args: readonly string[] = [],
  options: { readonly signal?: AbortSignal; readonly user?: string } = {},
): Promise<ScriptResult> {
  const line = ['exec /bin/sh -c', ...[script, 'gantry', ...args].map(quote)].join(' ');
  return withVendor(async () => {
    try {
      const { stdout, stderr } = await sandbox.commands.run(line, { ...options, timeoutMs: 0 });
      return { code: 0, stdout, stderr };
    } catch (error) {
      if (!(error instanceof CommandExitError)) throw error;
      return { code: error.exitCode, stdout: error.stdout, stderr: error.stderr };
    }
  });
}
