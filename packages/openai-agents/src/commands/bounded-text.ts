/** Characters kept of each end of what was not yet taken. */
const keptOfEachEnd = 512 * 1024;

/** Text that arrives faster than it is asked for: the start and the end of it are kept, and what is missing between is counted. */
export class BoundedText {
  #head = '';
  #tail = '';
  #omitted = 0;

  /** Adds to the end. */
  append(text: string): void {
    const room = this.#tail === '' ? Math.max(0, keptOfEachEnd - this.#head.length) : 0;
    this.#head += text.slice(0, room);
    this.#tail += text.slice(room);
    // Cut only once there is twice as much: each cut copies.
    if (this.#tail.length > 2 * keptOfEachEnd) this.#cut();
  }

  /** What came since the last time, with a note where some of it is missing. */
  take(): string {
    if (this.#tail.length > keptOfEachEnd) this.#cut();
    const note =
      this.#omitted === 0
        ? ''
        : `\n[...${this.#omitted} characters of output are missing here...]\n`;
    const text = `${this.#head}${note}${this.#tail}`;
    this.#head = '';
    this.#tail = '';
    this.#omitted = 0;
    return text;
  }

  #cut(): void {
    this.#omitted += this.#tail.length - keptOfEachEnd;
    this.#tail = this.#tail.slice(-keptOfEachEnd);
  }
}
