import type { SandboxProcess } from '@gantry/core';
import type { Experimental_SandboxProcess } from 'ai';
import { exitCodeOf } from './exit-code.ts';

/** A process in the AI SDK's words, with its input where it has one. */
export type WritableProcess = Experimental_SandboxProcess & {
  readonly stdin: WritableStream<Uint8Array>;
};

/** Puts a process into the AI SDK's words. Its output must be read: a process whose output is not read waits. */
export function sessionProcess(
  process: SandboxProcess,
  abortSignal: AbortSignal | undefined,
): Experimental_SandboxProcess & { readonly stdin?: WritableStream<Uint8Array> } {
  const { pid, stdin, stdout, stderr } = process;
  return {
    ...(pid === undefined ? {} : { pid }),
    ...(stdin === undefined ? {} : { stdin }),
    ...{ stdout, stderr },
    wait: async () => ({ exitCode: exitCodeOf(await orAbortReason(process.exit, abortSignal)) }),
    kill: () => process.kill('SIGKILL'),
  };
}

/** The same, but rejects with the signal's own reason where it was aborted, as the AI SDK has it. */
export async function orAbortReason<T>(
  work: Promise<T>,
  abortSignal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    abortSignal?.throwIfAborted();
    throw error;
  }
}
