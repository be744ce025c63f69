import type { Call } from '../contract/call.ts';
import type {
  BucketMountEntry,
  HostMountEntry,
  Manifest,
  ManifestEntry,
} from '../contract/manifest-types.ts';
import type { MountRequest } from '../contract/create-request.ts';
import type { SecretResolver } from '../contract/secret-rule.ts';
import { digestManifest } from './digest-manifest.ts';
import { grantHostMount } from './host-mount-grant.ts';
import { bytePath, compareBytePaths } from './byte-path.ts';
import { mergeItems } from './merge-items.ts';
import { parseManifest } from './parse-manifest.ts';
import { resolveArchive } from './resolve-archive.ts';
import { resolveGit } from './resolve-git.ts';
import {
  resolveDirectory,
  resolveInlineFile,
  resolveLocalDirectory,
  resolveLocalFile,
} from './resolve-local.ts';
import type { ItemSource } from './workspace-item.ts';

/** A manifest whose sources have been looked up: what a plan is made of. Lives in this process only. */
export interface ResolvedManifest {
  readonly manifest: Manifest;
  readonly manifestDigest: string;
  /** Every entry that fills a part of the workspace, sorted by path. */
  readonly sources: readonly ItemSource[];
  /** Every granted host mount, for the request that creates the sandbox. */
  readonly mounts: readonly MountRequest[];
}

/** Where a manifest's sources are found. */
export interface ResolveOptions {
  /** Directory that relative local sources start from. */
  readonly baseDirectory: string;
  /** Resolves secret references other than `env:` and `file:`. */
  readonly secrets?: SecretResolver;
  readonly call: Call;
}

/**
 * Looks up every source of a manifest: digests of local files, commits of git refs, grants of host mounts.
 * Nothing is changed anywhere. The manifest is checked again, so it may come from anywhere. Bucket
 * mounts are left to the plan, which refuses them.
 */
export async function resolveManifest(
  manifest: Manifest,
  options: ResolveOptions,
): Promise<ResolvedManifest> {
  const checked = parseManifest(manifest);
  const sources: ItemSource[] = [];
  const mounts: MountRequest[] = [];
  const entries = Object.entries(checked.entries ?? {}).toSorted(([left], [right]) =>
    compareBytePaths(bytePath(left), bytePath(right)),
  );
  for (const [path, entry] of entries) {
    options.call.signal.throwIfAborted();
    if (entry.type === 'hostMount') {
      mounts.push(await grantHostMount(path, entry, options.baseDirectory));
    } else if (fillsWorkspace(entry)) {
      sources.push(await resolveEntry(path, entry, options));
    }
  }
  // Only to refuse now what could not be sent later.
  mergeItems(sources, 'manifest.resolve');
  return { manifest: checked, manifestDigest: digestManifest(checked), sources, mounts };
}

type FillingEntry = Exclude<ManifestEntry, HostMountEntry | BucketMountEntry>;

function fillsWorkspace(entry: ManifestEntry): entry is FillingEntry {
  return !['hostMount', 's3', 'gcs', 'r2', 'azureBlob'].includes(entry.type);
}

function resolveEntry(
  path: string,
  entry: FillingEntry,
  { baseDirectory, secrets, call }: ResolveOptions,
): ItemSource | Promise<ItemSource> {
  switch (entry.type) {
    case 'file':
      return resolveInlineFile(path, entry);
    case 'localFile':
      return resolveLocalFile(path, entry, baseDirectory, call);
    case 'localDir':
      return resolveLocalDirectory(path, entry, baseDirectory, call);
    case 'archive':
      return resolveArchive(path, entry, baseDirectory, call);
    case 'git':
      return resolveGit(path, entry, secrets, call);
    case 'dir':
    case 'output':
    default:
      return resolveDirectory(path, entry);
  }
}
