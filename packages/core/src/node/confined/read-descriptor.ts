import { close, read } from 'node:fs';
import { promisify } from 'node:util';

const readAsync = promisify(read);
const closeAsync = promisify(close);
const chunkBytes = 256 * 1024;

/**
 * The bytes of a regular file from its descriptor, which is closed at the end, on failure and on
 * cancel: whoever gets the stream reads it to its end or cancels it.
 */
export function readDescriptor(descriptor: number): ReadableStream<Uint8Array> {
  let position = 0;
  let reading: Promise<unknown> = Promise.resolve();
  let open = true;
  const finish = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await closeAsync(descriptor);
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = readAsync(descriptor, Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
        reading = next.catch(() => undefined);
        try {
          const { bytesRead, buffer } = await next;
          // Cancelled meanwhile; whoever cancelled closes.
          if (!open) return;
          position += bytesRead;
          if (bytesRead > 0) {
            controller.enqueue(new Uint8Array(buffer.buffer, buffer.byteOffset, bytesRead));
            return;
          }
        } catch (error) {
          await finish();
          throw error;
        }
        await finish();
        controller.close();
      },
      async cancel() {
        if (!open) return;
        open = false;
        // A descriptor that is closed under a read may stand for another file by the time of the read.
        await reading;
        await closeAsync(descriptor);
      },
    },
    { highWaterMark: 0 },
  );
}
