import type { SnapshotStore, StoreEncryption } from '../../contract/snapshot-store.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';

const keyBytes = 32;

/**
 * The same store, with everything that snapshots put into it encrypted (AES-256-GCM) and named by keyed digests: whoever can
 * read the store learns sizes and times and nothing else. A store is encrypted from its first snapshot on or never; the key is
 * 32 random bytes, and what it encrypted is lost with it.
 */
export function encryptedStore(store: SnapshotStore, encryption: StoreEncryption): SnapshotStore {
  const { key } = encryption;
  if (key.length !== keyBytes) {
    throw new SandboxError(
      'invalid-argument',
      `encryptedStore: the key is ${keyBytes} bytes, not ${key.length}; make one with crypto.randomBytes(${keyBytes})`,
    );
  }
  const wrapped: SnapshotStore = {
    conditional: store.conditional,
    put: store.put.bind(store),
    get: store.get.bind(store),
    head: store.head.bind(store),
    delete: store.delete.bind(store),
    list: store.list.bind(store),
  };
  // Not enumerable: a store that is logged must not show its key.
  return Object.defineProperty(wrapped, 'encryption', {
    value: Object.defineProperty({}, 'key', { value: Uint8Array.from(key) }),
  });
}
