/** A body whose source fails in the middle ends with its connection: an answer that looks whole would lie. */
export function orDropped(
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  drop: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(first),
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch {
        // Why it failed can no longer be told to anybody.
        drop();
        controller.close();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
