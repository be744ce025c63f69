import { open, readFile, rm } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { isErrno } from '../../node/fifo.ts';

/** The keys of runs, one file each, apart from the database: removing a file makes every copy of the bodies unreadable. */
export class RunKeys {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Writes a key; it is on disk when this resolves. */
  async write(run: string, key: Uint8Array): Promise<void> {
    const file = await open(this.#path(run), 'wx', 0o600);
    try {
      await file.writeFile(key);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#syncDirectory();
  }

  /** The key; `undefined` is a confirmed absence. */
  async read(run: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.#path(run));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Overwrites the key and removes it. Idempotent. */
  async destroy(run: string): Promise<void> {
    try {
      const file = await open(this.#path(run), 'r+');
      try {
        await file.write(Buffer.alloc(32), 0, 32, 0);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
    await rm(this.#path(run), { force: true });
    await this.#syncDirectory();
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  #path(run: string): string {
    return path.join(this.#directory, `${run}.key`);
  }
}
