import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { SandboxError, type SnapshotStore } from '@gantry/core';
import { z } from 'zod';

/** The files of a memory by their paths, `MEMORY.md` being its index. */
export type MemoryFiles = Readonly<Record<string, string>>;

/** A memory as it was when it was read. */
export interface LoadedMemory {
  /** 0: there is none yet. */
  readonly version: number;
  readonly files: MemoryFiles;
}

const spec = 'gantry-memory/1';
const keptVersions = 5;
const attempts = 10;
const longestDocument = 16 * 1024 * 1024;

const memoryDocument = z.object({
  spec: z.literal(spec),
  files: z.record(z.string(), z.string()),
});

/** Where memories are kept: one object for each version, of which the latest counts. Encrypted where the store is. */
export class MemoryStore {
  readonly #store: SnapshotStore;
  readonly #prefix: string;
  readonly #key: Uint8Array | undefined;

  /** A namespace is any text; it is not to be seen in the store. */
  constructor(store: SnapshotStore, namespace: string) {
    this.#store = store;
    const { encryption } = store;
    const secret = encryption?.key ?? new Uint8Array();
    const name = createHash('sha256').update(spec).update(secret).update(namespace).digest('hex');
    this.#prefix = `memory/${name.slice(0, 40)}/`;
    this.#key = encryption && new Uint8Array(hkdfSync('sha256', encryption.key, name, spec, 32));
  }

  /** The latest version. */
  async load(): Promise<LoadedMemory> {
    const latest = (await this.#versions()).at(-1);
    if (latest === undefined) return { version: 0, files: {} };
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of await this.#store.get(this.#keyOf(latest))) {
      size += chunk.length;
      if (size > longestDocument) throw damaged(latest, 'it is larger than any memory');
      chunks.push(chunk);
    }
    return { version: latest, files: this.#open(latest, Buffer.concat(chunks)) };
  }

  /** Writes the files that differ from what was loaded on top of the latest version. Another run's changes to other files stay. */
  async save(loaded: LoadedMemory, files: MemoryFiles): Promise<number> {
    let base = loaded;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const version = base.version + 1;
      const bytes = this.#seal(version, merged(loaded.files, files, base.files));
      const contents = new Blob([new Uint8Array(bytes)]).stream();
      const options = { ifAbsent: true, size: bytes.length };
      if (await this.#store.put(this.#keyOf(version), contents, options)) {
        await this.#prune();
        return version;
      }
      base = await this.load();
    }
    throw new SandboxError(
      'aborted',
      `memory: ${attempts} times another run saved it first; try again`,
      {
        operation: 'memory.save',
        retryable: true,
      },
    );
  }

  async #versions(): Promise<readonly number[]> {
    const found: number[] = [];
    for await (const { key } of this.#store.list(this.#prefix)) {
      const [, digits] = /\/(\d{10})$/.exec(key) ?? [];
      if (digits !== undefined) found.push(Number(digits));
    }
    return found.toSorted((left, right) => left - right);
  }

  async #prune(): Promise<void> {
    const old = (await this.#versions()).slice(0, -keptVersions);
    for (const version of old) await this.#store.delete(this.#keyOf(version));
  }

  #keyOf(version: number): string {
    return `${this.#prefix}${String(version).padStart(10, '0')}`;
  }

  #seal(version: number, files: MemoryFiles): Buffer {
    const text = Buffer.from(JSON.stringify({ spec, files }));
    if (!this.#key) return text;
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(
      Buffer.from(this.#keyOf(version)),
    );
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
  }

  #open(version: number, bytes: Buffer): MemoryFiles {
    try {
      const text = this.#key ? this.#decrypted(version, this.#key, bytes) : bytes;
      return memoryDocument.parse(JSON.parse(text.toString())).files;
    } catch (cause) {
      throw damaged(version, String(cause));
    }
  }

  #decrypted(version: number, key: Uint8Array, bytes: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      .setAAD(Buffer.from(this.#keyOf(version)))
      .setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
  }
}

/** What was changed from a first state to a second, done to a third. */
function merged(before: MemoryFiles, after: MemoryFiles, onto: MemoryFiles): MemoryFiles {
  const result: Record<string, string> = { ...onto };
  for (const path of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const text = after[path];
    if (text === before[path]) continue;
    if (text === undefined) delete result[path];
    else result[path] = text;
  }
  return result;
}

function damaged(version: number, why: string): SandboxError {
  return new SandboxError('data-loss', `memory: version ${version} cannot be read (${why})`, {
    operation: 'memory.load',
  });
}
