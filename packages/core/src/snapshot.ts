/** What users of snapshots import, beside `sandbox.snapshot` and `provider.rehydrate`. `directoryStore` is in `@gantry/core/node`. */
export type * from './contract/snapshot-store.ts';
export type * from './contract/snapshot-types.ts';
export { encryptedStore } from './snapshot/store/encrypted-store.ts';
export { memoryStore } from './snapshot/store/memory-store.ts';
