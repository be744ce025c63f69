/** One object of a store, as `head` and `list` tell it. */
export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** When it was put, by the store's own clock, in milliseconds since the Unix epoch. */
  readonly modifiedAt: number;
}

/** How to stop a store's operation: it rejects with `cancelled`. */
export interface StoreOptions {
  readonly signal?: AbortSignal;
}

/** How an object is put. */
export interface PutOptions extends StoreOptions {
  /** Puts only where no object has this key. */
  readonly ifAbsent?: boolean;
  /** Bytes, where the caller knows. A stream of another length is refused with `invalid-argument`, and nothing is put. */
  readonly size?: number;
}

/** Which bytes to get: all of them must be there, else `out-of-range`. */
export interface GetOptions extends StoreOptions {
  readonly range?: { readonly offset: number; readonly length: number };
}

/** How what is in a store is encrypted. Made by `encryptedStore`. */
export interface StoreEncryption {
  /** 32 bytes. Whoever has it can read every snapshot; without it none can be read. */
  readonly key: Uint8Array;
}

/**
 * Where snapshots are kept: objects by key, nothing more. Keys match `[a-z0-9][a-z0-9./_-]*`, at most 200 characters,
 * without empty, `.` or `..` segments. `storeChecks` in `@gantry/core/testing` proves an implementation.
 */
export interface SnapshotStore {
  /** Whether `ifAbsent` holds against other writers at the same moment. False: write from one process at a time. */
  readonly conditional: boolean;
  /** Present: what is put through this object is encrypted by core, and what is got is decrypted. */
  readonly encryption?: StoreEncryption;
  /**
   * Whole or not at all, and durable when it resolves; a source that fails leaves what was there. True when it was put,
   * false when `ifAbsent` found one, whose contents then stay; the source is cancelled. The memory of the chunks is the caller's
   * again once this has settled.
   */
  put(key: string, contents: ReadableStream<Uint8Array>, options?: PutOptions): Promise<boolean>;
  /** The object's bytes. Rejects with `not-found` only for a confirmed absence. */
  get(key: string, options?: GetOptions): Promise<ReadableStream<Uint8Array>>;
  /** `undefined` is a confirmed absence. */
  head(key: string, options?: StoreOptions): Promise<StoredObject | undefined>;
  /** Idempotent. */
  delete(key: string, options?: StoreOptions): Promise<void>;
  /** Every object whose key starts with the prefix, each once, in any order. */
  list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject>;
}
