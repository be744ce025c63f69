/**
 * A body whose source fails in the middle, or ends before so many bytes as were `announced`, ends with its connection: an answer
 * that looks whole would lie, and one that is short would be waited for.
 */
export function orDropped(
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  drop: () => void,
  announced = 0,
): ReadableStream<Uint8Array> {
  let left = announced - first.length;
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(first),
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        left -= value?.length ?? 0;
        if (done && left > 0) drop();
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
