import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { SandboxError } from '../errors/sandbox-error.ts';

/** How the host opens its end of a FIFO. */
export type FifoEnd = 'read' | 'write' | 'read-write';

const accessModes: Readonly<Record<FifoEnd, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_WRONLY,
  'read-write': constants.O_RDWR,
};

/**
 * Opens one end of a FIFO without waiting for the other, and returns the descriptor, which the
 * caller closes. Refuses anything that is not a FIFO, symbolic links too. `write` throws `ENXIO`
 * while nobody has the FIFO open for reading.
 */
export function openFifo(path: string, end: FifoEnd): number {
  const descriptor = openSync(path, accessModes[end] | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if (fstatSync(descriptor).isFIFO()) return descriptor;
  closeSync(descriptor);
  throw new SandboxError('failed-precondition', `${path} is not a FIFO`);
}

/** Whether somebody has the FIFO open for writing, or has left bytes in it. */
export function hasWriter(path: string): boolean {
  const descriptor = openFifo(path, 'read');
  try {
    // A FIFO without writers is at its end; one with writers and no bytes answers EAGAIN.
    return readSync(descriptor, Buffer.allocUnsafe(1), 0, 1, null) > 0;
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return true;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Whether somebody has the FIFO open for reading. */
export function hasReader(path: string): boolean {
  try {
    closeSync(openFifo(path, 'write'));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENXIO')) return false;
    throw error;
  }
}

/** Makes FIFOs with exactly these permission bits, all with one process. Removes none on failure. */
export async function makeFifos(paths: readonly string[], mode: number): Promise<void> {
  const child = spawn('mkfifo', ['-m', mode.toString(8), '--', ...paths], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let message = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (message += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  const noSpace = message.includes('No space left');
  throw new SandboxError(
    noSpace ? 'resource-exhausted' : 'unavailable',
    `mkfifo failed: ${message.trim() || `exit ${String(code)}`}`,
    { outcome: 'not-started', ...(noSpace ? { details: { reason: 'no-space' } } : {}) },
  );
}

/** Whether an error is the system error of that name, such as `ENOENT`. */
export function isErrno(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === name;
}
