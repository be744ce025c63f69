export type {
  ArchiveEntry,
  BucketMountEntry,
  CollectReceipt,
  DirectoryManifestEntry,
  FileEntry,
  GitEntry,
  HostMountEntry,
  LocalDirectoryEntry,
  LocalFileEntry,
  Manifest,
  ManifestEntry,
  MaterializeReceipt,
  OutputEntry,
  ReceiptEntry,
} from './contract/manifest-types.ts';
export { digestManifest } from './manifest/digest-manifest.ts';
export { formatPlan } from './manifest/format-plan.ts';
export { loadManifest } from './manifest/load-manifest.ts';
export { parseManifest } from './manifest/parse-manifest.ts';
export type { PlanOptions } from './manifest/plan-manifest.ts';
export { planManifest } from './manifest/plan-manifest.ts';
export type { Plan, PlanEntry, PlanPolicy, PlanRefusal } from './manifest/plan-types.ts';
export type { ResolveOptions, ResolvedManifest } from './manifest/resolve-manifest.ts';
export { resolveManifest } from './manifest/resolve-manifest.ts';
