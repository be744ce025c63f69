import type { Socket } from 'node:net';
import { markPrompt } from '../process/taken-chunks.ts';

export { OutputStream } from '../process/output-stream.ts';
export { openFifo } from './fifo.ts';

/** Bytes that wait in a stream before its source is asked to pause. */
const bufferedBytes = 64 * 1024;

/**
 * The bytes that arrive on a socket, with back-pressure: about 128 KiB are read ahead, then the
 * writer waits. Cancelling closes the socket and nothing else.
 */
export function readableFromSocket(socket: Socket): ReadableStream<Uint8Array> {
  let settled = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const settle = (act: () => void): void => {
          if (settled) return;
          settled = true;
          act();
        };
        socket.on('data', (chunk: Buffer) => {
          if (settled) return;
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
          if ((controller.desiredSize ?? 0) <= 0) socket.pause();
        });
        socket.once('end', () => settle(() => controller.close()));
        socket.once('error', (error) => settle(() => controller.error(error)));
        socket.once('close', () =>
          settle(() => controller.error(new Error('the stream was closed before its end'))),
        );
      },
      pull() {
        socket.resume();
      },
      cancel() {
        settled = true;
        socket.destroy();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytes }),
  );
}

/**
 * Writes to a socket as fast as its reader takes the bytes. A write rejects (`EPIPE`) once the
 * reader is gone; closing is end of input.
 */
export function writableToSocket(socket: Socket): WritableStream<Uint8Array> {
  let failure: Error | undefined;
  let finished = false;
  const stream = new WritableStream<Uint8Array>({
    start(controller) {
      socket.once('error', (error) => {
        failure = error;
        controller.error(error);
      });
      socket.once('close', () => {
        if (finished) return;
        failure ??= readerGone();
        controller.error(failure);
      });
    },
    write(chunk) {
      return new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        socket.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    },
    close() {
      finished = true;
      return new Promise((resolve) => {
        // A FIFO has no half-close: only closing the descriptor ends the input.
        socket.once('close', () => resolve());
        if (socket.destroyed) resolve();
        else socket.end(() => socket.destroy());
      });
    },
    abort() {
      finished = true;
      socket.destroy();
    },
  });
  return markPrompt(stream);
}

function readerGone(): Error {
  return Object.assign(new Error('the process no longer reads its input'), { code: 'EPIPE' });
}
