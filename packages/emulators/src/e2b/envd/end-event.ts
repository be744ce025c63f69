import { constants } from 'node:os';
import type { ExitStatus } from '@gantry/core';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProcessEvent_EndEventSchema } from './wire/process.ts';

/** The words of strsignal(3) that Go prints, by the signal's name. */
const words: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
};

/** How a process ended, in the vendor's terms. A status that the provider does not know is an error, not a code. */
export function endEvent(status: ExitStatus): MessageInitShape<typeof ProcessEvent_EndEventSchema> {
  if (status.unknown !== undefined)
    throw new Error(`the exit status is unknown: ${status.unknown}`);
  if (status.signal !== undefined) {
    const number: unknown = Reflect.get(constants.signals, status.signal);
    const text = `signal: ${words[status.signal] ?? `signal ${String(number)}`}`;
    return { exitCode: -1, exited: false, status: text, error: text };
  }
  const text = `exit status ${status.code}`;
  return {
    ...{ exitCode: status.code, exited: true, status: text },
    ...(status.code === 0 ? {} : { error: text }),
  };
}
