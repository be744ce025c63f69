import type {
  GetOptions,
  PutOptions,
  SnapshotStore,
  StoredObject,
  StoreOptions,
} from '../../contract/snapshot-store.ts';
import { concatBytes } from '../../process/byte-source.ts';
import { checkKey, checkRange, counted, noObject, stopped } from './store-key.ts';

/** Objects in this process's memory: for tests, and for what need not outlive it. */
export function memoryStore(): SnapshotStore {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAt: number }>();
  const begin = (key: string, options: StoreOptions | undefined): void => {
    checkKey(key);
    if (options?.signal?.aborted) throw stopped(key, options.signal);
  };
  const describe = (key: string): StoredObject | undefined => {
    const found = objects.get(key);
    return found && { key, size: found.bytes.length, modifiedAt: found.modifiedAt };
  };
  return {
    conditional: true,
    async put(key: string, contents: ReadableStream<Uint8Array>, options: PutOptions = {}) {
      begin(key, options);
      if (options.ifAbsent && objects.has(key)) {
        await contents.cancel();
        return false;
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of counted(key, contents, options.size, options.signal)) {
        chunks.push(chunk);
      }
      // Looked at again: another writer may have been faster.
      if (options.ifAbsent && objects.has(key)) return false;
      objects.set(key, { bytes: concatBytes(chunks), modifiedAt: Date.now() });
      return true;
    },
    async get(key: string, options: GetOptions = {}) {
      begin(key, options);
      const bytes = objects.get(key)?.bytes;
      if (!bytes) throw noObject(key);
      const { range = { offset: 0, length: bytes.length } } = options;
      checkRange(key, bytes.length, range);
      return new Blob([bytes.slice(range.offset, range.offset + range.length)]).stream();
    },
    async head(key: string, options?: StoreOptions) {
      begin(key, options);
      return describe(key);
    },
    async delete(key: string, options?: StoreOptions) {
      begin(key, options);
      objects.delete(key);
    },
    async *list(prefix: string, options?: StoreOptions) {
      for (const key of [...objects.keys()].filter((key) => key.startsWith(prefix))) {
        if (options?.signal?.aborted) throw stopped(prefix, options.signal);
        const found = describe(key);
        if (found) yield found;
      }
    },
  };
}
