import { SandboxError, type Signal } from '@gantry/core/driver';
import { shell } from '@gantry/core/node';
import { withVendor } from './errors.ts';
import type { Sandbox } from './sdk.ts';

/** Runs a short script of POSIX sh in the sandbox, in one call of the vendor's; both outputs are one. */
export function runSandboxScript(
  { process }: Sandbox,
  script: string,
  args: readonly string[] = [],
): Promise<{ readonly exitCode: number; readonly result: string }> {
  const line = ['/bin/sh -c', ...[script, 'gantry', ...args].map((word) => shell.word(word))];
  return withVendor(() => process.executeCommand(line.join(' '), '/'));
}

/** Throws for what cannot be the name of a signal, before it gets into a script. */
export function requireSignal(signal: Signal): void {
  if (/^SIG[A-Z0-9]+$/.test(signal)) return;
  throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
}
