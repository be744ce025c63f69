import type { Duplex } from 'node:stream';
import type Dockerode from 'dockerode';
import { dockerError } from './errors.ts';

/** An exec of a container and the connection to its streams. */
export interface OpenExec {
  readonly exec: Dockerode.Exec;
  readonly socket: Duplex & { ref?(): void; unref?(): void };
}

/**
 * Starts an exec with its input and outputs on one connection. The connection outlives the call that opens it: the
 * signal ends the opening, and nothing after it.
 */
export async function openExec(
  container: Dockerode.Container,
  options: Pick<Dockerode.ExecCreateOptions, 'Cmd' | 'User' | 'Env' | 'Tty' | 'WorkingDir'>,
  signal: AbortSignal | undefined,
): Promise<OpenExec> {
  const control = new AbortController();
  const abort = (): void => control.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const { signal: abortSignal } = control;
  const { Tty = false } = options;
  const attached = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
  try {
    signal?.throwIfAborted();
    const exec = await container.exec({ ...options, ...attached, abortSignal });
    const socket = await exec.start({ hijack: true, stdin: true, Tty, abortSignal });
    return { exec, socket };
  } catch (error) {
    signal?.throwIfAborted();
    throw dockerError(error, Tty ? 'opening a terminal' : 'starting a command');
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
