import { closeSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { streams } from '@gantry/core/node';
import { isErrno } from './errors.ts';

/**
 * Resolves when nothing of a sandbox runs any more, in whichever process, as its FIFO `report` tells; at
 * the latest after `timeoutMs`. Without that FIFO it resolves at once.
 */
export async function sandboxEnd(report: string, timeoutMs: number): Promise<void> {
  let descriptor: number;
  try {
    descriptor = streams.openFifo(report, 'read');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  if (!hasWriters(descriptor)) return closeSync(descriptor);
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('error', () => socket.destroy());
    socket.resume();
    timer = setTimeout(() => socket.destroy(), timeoutMs);
  });
  clearTimeout(timer);
}

/** A FIFO that has lost its last writer before it was opened would never say so later. */
function hasWriters(descriptor: number): boolean {
  const buffer = Buffer.allocUnsafe(4096);
  try {
    while (readSync(descriptor, buffer) > 0);
    return false;
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return true;
    throw error;
  }
}
