import type { FileHandle } from 'node:fs/promises';

const chunkBytes = 1024 * 1024;

/**
 * Some bytes of an open file, which is closed at the end, on failure and on cancel. Whoever reads them into memory of its own (in
 * mode `byob`) costs no more of it.
 */
export function rangeOf(
  handle: FileHandle,
  range: { readonly offset: number; readonly length: number },
): ReadableStream<Uint8Array> {
  let { offset, length: left } = range;
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const request = controller.byobRequest;
      try {
        if (left > 0) {
          const place =
            placeOf(request?.view) ?? Buffer.allocUnsafeSlow(Math.min(left, chunkBytes));
          const want = Math.min(left, place.length);
          const { bytesRead } = await handle.read(place, 0, want, offset);
          if (bytesRead === 0) throw new Error('the file became shorter while it was read');
          offset += bytesRead;
          left -= bytesRead;
          if (request) request.respond(bytesRead);
          else controller.enqueue(place.subarray(0, bytesRead));
          return;
        }
      } catch (error) {
        await handle.close();
        throw error;
      }
      await handle.close();
      controller.close();
      request?.respond(0);
    },
    cancel: () => handle.close(),
  });
}

function placeOf(view: ArrayBufferView | null | undefined): Uint8Array | undefined {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : undefined;
}
