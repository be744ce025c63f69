import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** One JSON file of the server's state. Written whole or not at all, one write after the other, the latest last. */
export class StateFile<Value> {
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();
  #next: Value | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** What was written last; `initial` where nothing was. */
  async read(initial: Value): Promise<Value> {
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this very class wrote it, into a directory of the user's own
      return JSON.parse(await readFile(this.#file, 'utf8')) as Value;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return initial;
      throw new Error(`the state file ${this.#file} cannot be read; remove it to start anew`, {
        cause: error,
      });
    }
  }

  /** Resolves once this value, or a later one, is on the disk. */
  write(value: Value): Promise<void> {
    const waiting = this.#next !== undefined;
    this.#next = value;
    if (!waiting) this.#writing = this.#writing.then(() => this.#flush());
    return this.#writing;
  }

  async #flush(): Promise<void> {
    const text = `${JSON.stringify(this.#next, undefined, 1)}\n`;
    this.#next = undefined;
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const draft = `${this.#file}.new`;
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, this.#file);
  }
}
