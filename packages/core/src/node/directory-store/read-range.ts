import type { FileHandle } from 'node:fs/promises';

const chunkBytes = 1024 * 1024;

/** Some bytes of an open file, which is closed at the end, on failure and on cancel. */
export function rangeOf(
  handle: FileHandle,
  range: { readonly offset: number; readonly length: number },
): ReadableStream<Uint8Array> {
  let { offset, length: left } = range;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const want = Math.min(left, chunkBytes);
        try {
          const bytesRead =
            want === 0
              ? 0
              : await readInto(handle, offset, want, (chunk) => controller.enqueue(chunk));
          offset += bytesRead;
          left -= bytesRead;
          if (bytesRead > 0) return;
          if (want > 0) throw new Error('the file became shorter while it was read');
        } catch (error) {
          await handle.close();
          throw error;
        }
        await handle.close();
        controller.close();
      },
      cancel: () => handle.close(),
    },
    { highWaterMark: 0 },
  );
}

async function readInto(
  handle: FileHandle,
  offset: number,
  length: number,
  use: (chunk: Uint8Array) => void,
): Promise<number> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset);
  if (bytesRead > 0) use(buffer.subarray(0, bytesRead));
  return bytesRead;
}
