import type { Duplex } from 'node:stream';

/** Bytes that may wait in the connection before a write waits for its reader. */
const aheadBytes = 64 * 1024;

/**
 * Writes to a connection as fast as its other side reads; closing ends the input and leaves the output open. Small
 * writes of one turn of the event loop travel together: between here and the command each costs several copies.
 */
export function socketInput(socket: Duplex): WritableStream<Uint8Array> {
  let corked = false;
  const gather = (): void => {
    if (corked) return;
    corked = true;
    socket.cork();
    setImmediate(() => {
      corked = false;
      socket.uncork();
    });
  };
  return new WritableStream<Uint8Array>({
    start(controller) {
      socket.once('close', () => controller.error(readerGone()));
    },
    write(chunk) {
      if (socket.destroyed) throw readerGone();
      gather();
      // Copied: the caller may use its buffer again as soon as the write resolves.
      if (socket.writableLength + chunk.length <= aheadBytes) {
        socket.write(Buffer.from(chunk));
        return undefined;
      }
      return new Promise((resolve, reject) => {
        const gone = (): void => reject(readerGone());
        socket.once('close', gone);
        socket.write(chunk, (error) => {
          socket.removeListener('close', gone);
          if (error) reject(error);
          else resolve();
        });
      });
    },
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
