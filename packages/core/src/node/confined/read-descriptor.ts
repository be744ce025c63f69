import { close, read } from 'node:fs';
import { promisify } from 'node:util';

const readAsync = promisify(read);
const closeAsync = promisify(close);
const chunkBytes = 256 * 1024;
/** Of places that are used again and again: each read costs two changes of thread, however long it is. */
const placeBytes = 1024 * 1024;
/** Places of files that have been read, for the next ones: as many as two files at once take. */
const spare: Buffer<ArrayBuffer>[] = [];
const mostSpare = 4;

/** How a file is read. */
export interface ReadHow {
  /** Pieces share two places in memory, by turns: each is good until the next one is asked for, which is read meanwhile. */
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
  const places: Buffer<ArrayBuffer>[] = [];
  const place = (): Buffer<ArrayBuffer> => {
    if (!reuse) return Buffer.allocUnsafeSlow(chunkBytes);
    const free = places.length === 2 ? places.shift() : spare.pop();
    const next = free ?? Buffer.allocUnsafeSlow(placeBytes);
    places.push(next);
    return next;
  };
  let position = 0;
  let reading: Promise<unknown> = Promise.resolve();
  const begin = (): ReturnType<typeof readAsync> => {
    const into = place();
    const next = readAsync(descriptor, into, 0, into.length, position);
    reading = next.catch(() => undefined);
    return next;
  };
  let ahead: ReturnType<typeof readAsync> | undefined;
  let open = true;
  /** Nobody looks at what was read any more, and nothing more is read. */
  const leave = async (): Promise<void> => {
    await reading;
    for (const one of places.splice(0)) if (spare.length < mostSpare) spare.push(one);
    await closeAsync(descriptor);
  };
  const finish = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await leave();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = ahead ?? begin();
        ahead = undefined;
        try {
          const { bytesRead, buffer } = await next;
          // Cancelled meanwhile; whoever cancelled closes.
          if (!open) return;
          position += bytesRead;
          if (bytesRead > 0) {
            if (reuse) ahead = begin();
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
        await leave();
      },
    },
    { highWaterMark: 0 },
  );
}
