import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type {
  GetOptions,
  PutOptions,
  SnapshotStore,
  StoredObject,
  StoreOptions,
} from '../../contract/snapshot-store.ts';
import { toSandboxError } from '../../errors/to-sandbox-error.ts';
import {
  checkKey,
  checkRange,
  counted,
  noObject,
  stopped,
} from '../../snapshot/store/store-key.ts';
import { isErrno } from '../fifo.ts';
import { rangeOf } from './read-range.ts';

/** Where objects are while they are written. No key starts with a dot. */
const unfinished = '.unfinished';

/**
 * Objects as files below a directory, which is made when it is missing, for this user alone. An object is written to a file of
 * its own, synced, and given its name in one step; a crash at any moment leaves whole objects, and unfinished ones in
 * `.unfinished`, which nothing reads. Any number of processes may use it at once, on a file system with hard links.
 */
export function directoryStore(directory: string): SnapshotStore {
  const root = path.resolve(directory);
  mkdirSync(path.join(root, unfinished), { recursive: true, mode: 0o700 });
  const made = new Set<string>();
  const place = (key: string, options: StoreOptions | undefined): string => {
    checkKey(key);
    if (options?.signal?.aborted) throw stopped(key, options.signal);
    return path.join(root, ...key.split('/'));
  };
  const guard = async <T>(operation: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toSandboxError(error, { operation: `store.${operation}` });
    }
  };
  const parentOf = async (file: string): Promise<string> => {
    const parent = path.dirname(file);
    if (made.has(parent)) return parent;
    const first = await mkdir(parent, { recursive: true, mode: 0o700 });
    // A directory that is not synced may be gone after a crash, with all that is in it.
    if (first !== undefined) await syncUpTo(root, parent);
    made.add(parent);
    return parent;
  };

  return {
    conditional: true,
    put: (key: string, contents: ReadableStream<Uint8Array>, options: PutOptions = {}) =>
      guard('put', async () => {
        const file = place(key, options);
        if (options.ifAbsent && (await describe(key, file)) !== undefined) {
          await contents.cancel();
          return false;
        }
        const temporary = path.join(root, unfinished, randomBytes(16).toString('hex'));
        try {
          await writeSynced(temporary, counted(key, contents, options.size, options.signal));
          const parent = await parentOf(file);
          const put = await publish(temporary, file, options.ifAbsent === true);
          await sync(parent);
          return put;
        } finally {
          await unlink(temporary).catch(unlessMissing);
        }
      }),
    get: (key: string, options: GetOptions = {}) =>
      guard('get', async () => {
        const file = place(key, options);
        const handle = await open(file, 'r').catch(unlessMissing);
        if (!handle) throw noObject(key);
        try {
          const found = await handle.stat();
          if (!found.isFile()) throw noObject(key);
          const { size } = found;
          const range = options.range ?? { offset: 0, length: size };
          checkRange(key, size, range);
          return rangeOf(handle, range);
        } catch (error) {
          await handle.close();
          throw error;
        }
      }),
    head: (key: string, options?: StoreOptions) =>
      guard('head', async () => describe(key, place(key, options))),
    delete: (key: string, options?: StoreOptions) =>
      guard('delete', async () => {
        await unlink(place(key, options)).catch(unlessMissing);
      }),
    async *list(prefix: string, options?: StoreOptions) {
      const folder = path.join(root, ...prefix.split('/').slice(0, -1));
      for await (const file of filesBelow(folder)) {
        if (options?.signal?.aborted) throw stopped(prefix, options.signal);
        const key = path.relative(root, file).split(path.sep).join('/');
        const found = key.startsWith(prefix) ? await describe(key, file) : undefined;
        if (found) yield found;
      }
    },
  };
}

async function describe(key: string, file: string): Promise<StoredObject | undefined> {
  const found = await stat(file).catch(unlessMissing);
  return found?.isFile() ? { key, size: found.size, modifiedAt: found.mtimeMs } : undefined;
}

async function writeSynced(file: string, contents: AsyncIterable<Uint8Array>): Promise<void> {
  await using handle = await open(file, 'wx', 0o600);
  for await (const chunk of contents) {
    for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten;
  }
  await handle.sync();
}

/** Gives a finished file its name. A link fails where a name is taken; a rename would replace it. */
async function publish(temporary: string, file: string, ifAbsent: boolean): Promise<boolean> {
  if (!ifAbsent) {
    await rename(temporary, file);
    return true;
  }
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function syncUpTo(root: string, directory: string): Promise<void> {
  for (let at = directory; ; at = path.dirname(at)) {
    await sync(at);
    if (at === root || at === path.dirname(at)) return;
  }
}

async function sync(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}

async function* filesBelow(folder: string): AsyncGenerator<string, void> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(unlessMissing)) ?? [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(file);
    else yield file;
  }
}

function unlessMissing(error: unknown): undefined {
  if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
  throw error;
}
