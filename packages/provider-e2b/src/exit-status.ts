import { type ExitStatus, SandboxError, type Signal } from '@gantry/core/driver';
import { CommandExitError, type CommandHandle } from 'e2b';
import { fromVendor } from './errors.ts';

/** The words by which the vendor names a signal, as Go's runtime prints them. */
const signals: Readonly<Record<string, Signal>> = {
  hangup: 'SIGHUP',
  interrupt: 'SIGINT',
  quit: 'SIGQUIT',
  'illegal instruction': 'SIGILL',
  'trace/breakpoint trap': 'SIGTRAP',
  aborted: 'SIGABRT',
  'bus error': 'SIGBUS',
  'floating point exception': 'SIGFPE',
  killed: 'SIGKILL',
  'user defined signal 1': 'SIGUSR1',
  'segmentation fault': 'SIGSEGV',
  'user defined signal 2': 'SIGUSR2',
  'broken pipe': 'SIGPIPE',
  'alarm clock': 'SIGALRM',
  terminated: 'SIGTERM',
};

/** How a command ended. Rejects with `unavailable` when that was never told. */
export async function exitStatusOf(command: CommandHandle): Promise<ExitStatus> {
  try {
    return { code: (await command.wait()).exitCode };
  } catch (error) {
    if (error instanceof CommandExitError) return statusOf(error.exitCode, error.error);
    const said = fromVendor(error);
    const message = `how the command ended was not told: ${said instanceof Error ? said.message : String(said)}`;
    throw new SandboxError('unavailable', message, { cause: error, outcome: 'unknown' });
  }
}

function statusOf(exitCode: number, error = ''): ExitStatus {
  if (exitCode >= 0) return { code: exitCode };
  const word = /^signal: (.*?)(?: \(core dumped\))?$/.exec(error)?.[1];
  const signal = word === undefined ? undefined : signals[word];
  return signal ? { signal } : { unknown: error || `the vendor says exit code ${exitCode}` };
}
