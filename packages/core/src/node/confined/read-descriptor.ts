import { close, read } from 'node:fs';
import { promisify } from 'node:util';

const readAsync = promisify(read);
const closeAsync = promisify(close);
const chunkBytes = 256 * 1024;

/** How a file is read. */
export interface ReadHow {
  /** Pieces share two places in memory, by turns: each is good until the next one is asked for. */
  readonly reuse?: true;
  /** Called at the end of the file, before the descriptor is closed; what it throws is the stream's error. */
  readonly atEnd?: (descriptor: number) => void;
}

/**
 * The bytes of a regular file from its descriptor, which is closed at the end, on failure and on
 * cancel: whoever gets the stream reads it to its end or cancels it.
 */
export function readDescriptor(
  descriptor: number,
  { reuse, atEnd }: ReadHow = {},
): ReadableStream<Uint8Array> {
  const places: Buffer[] = [];
  const place = (): Buffer =>
    (reuse && places.length === 2 ? places.shift() : undefined) ??
    Buffer.allocUnsafeSlow(chunkBytes);
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
        const into = place();
        if (reuse) places.push(into);
        const next = readAsync(descriptor, into, 0, chunkBytes, position);
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
          atEnd?.(descriptor);
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
