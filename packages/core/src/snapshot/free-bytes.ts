/** Far above what Node takes from its pool, whose buffers share their memory. */
const smallest = 128 * 1024;

/**
 * Gives memory back at once that nobody will look at again: left to the collector, large buffers make it run all the time, and
 * wait for it. Only for bytes of the caller's own making; what is small stays.
 */
export function freeBytes(bytes: Buffer<ArrayBuffer>): void {
  if (bytes.byteOffset === 0 && bytes.buffer.byteLength >= smallest) bytes.buffer.transfer(0);
}
