import type { Duplex } from 'node:stream';

/** Writes to a connection as fast as its other side reads; closing ends the input and leaves the output open. */
export function socketInput(socket: Duplex): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    start(controller) {
      socket.once('close', () => controller.error(readerGone()));
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(readerGone());
        const gone = (): void => reject(readerGone());
        socket.once('close', gone);
        socket.write(chunk, (error) => {
          socket.removeListener('close', gone);
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) return resolve();
        socket.once('close', () => resolve());
        socket.end(() => resolve());
      }),
    abort() {
      if (!socket.writableEnded && !socket.destroyed) socket.end();
    },
  });
}

function readerGone(): Error {
  return Object.assign(new Error('the process no longer reads its input'), { code: 'EPIPE' });
}
