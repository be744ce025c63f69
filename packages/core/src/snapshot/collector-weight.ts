/** Bytes of a weight: enough for the collector to look at everything. */
const weightBytes = 32 * 1024 * 1024;

/**
 * Has the collector look at everything once in so many calls. Each stream, file and decompressor of Node leaves some kilobytes that
 * only a whole collection frees, and where large buffers are reused nothing makes the engine think of one: memory would grow with
 * the number of frames. A weight is memory that is never touched, and so none: the engine sees it go out of use all the same.
 */
export class CollectorWeight {
  readonly #every: number;
  readonly #held: ArrayBuffer[] = [];
  #calls = 0;

  constructor(every: number) {
    this.#every = every;
  }

  count(): void {
    this.#calls += 1;
    if (this.#calls % this.#every !== 0) return;
    // Held for as long as it takes to grow old: what dies young is freed without a look at the rest.
    this.#held.push(new ArrayBuffer(weightBytes));
    if (this.#held.length > 1) this.#held.shift();
  }
}
