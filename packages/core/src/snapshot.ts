/** What users of snapshots import, beside `sandbox.snapshot` and `provider.rehydrate`. `directoryStore` is in `@gantry/core/node`. */
export type * from './contract/snapshot-store.ts';
export type * from './contract/snapshot-types.ts';
export { encryptedStore } from './snapshot/store/encrypted-store.ts';
export { memoryStore } from './snapshot/store/memory-store.ts';
export { exportOci } from './snapshot/exchange/export-oci.ts';
export type { ExportOptions, OciImage } from './snapshot/exchange/export-oci.ts';
export { importTar } from './snapshot/exchange/import-tar.ts';
export type { ImportOptions } from './snapshot/exchange/import-tar.ts';
export { diffSnapshots } from './snapshot/upkeep/diff-snapshots.ts';
export type { DiffSide, SnapshotDifference } from './snapshot/upkeep/diff-snapshots.ts';
export { listSnapshots, readSnapshot } from './snapshot/upkeep/list-snapshots.ts';
export { pruneStore } from './snapshot/upkeep/prune-store.ts';
export type { PruneOptions, PruneReport } from './snapshot/upkeep/prune-store.ts';
export { verifyStore } from './snapshot/upkeep/verify-store.ts';
export type { StoreProblem, VerifyOptions, VerifyReport } from './snapshot/upkeep/verify-store.ts';
