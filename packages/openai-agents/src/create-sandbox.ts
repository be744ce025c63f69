import {
  type CreateOptions,
  type Manifest,
  type ManifestEntry,
  type RestoreLimits,
  type Sandbox,
  SandboxError,
  type SnapshotStore,
} from '@gantry/core';
import type { Manifest as SdkManifest, SandboxArchiveLimits } from '@openai/agents/sandbox';
import type { GantryRunOptions, GantrySandboxClientOptions } from './client-options.ts';
import { checkManifest } from './manifest/check-manifest.ts';
import { gantryEntries, type LocalSources } from './manifest/gantry-entries.ts';

/** What a fresh sandbox is made of. */
export interface FreshSandbox {
  readonly client: GantrySandboxClientOptions;
  readonly run: GantryRunOptions;
  readonly manifest: SdkManifest;
  readonly environment: Readonly<Record<string, string>>;
  /** Id of the snapshot to start from. */
  readonly seed?: string | undefined;
  readonly limits?: RestoreLimits | undefined;
}

/** A sandbox with everything in place; if any part fails, none is left. */
export async function createSandbox(fresh: FreshSandbox): Promise<Sandbox> {
  const { client, manifest, seed } = fresh;
  checkManifest(client.provider, manifest);
  const mapped = gantryEntries(manifest.entries, localSources(client, manifest));
  const options = createOptions(fresh, mapped.entries);
  const sandbox =
    seed === undefined
      ? await client.provider.create(options)
      : await client.provider.rehydrate(seed, requireStore(client), rehydrateOptions(fresh));
  try {
    if (seed !== undefined) await addMissing(sandbox, options);
    for (const step of mapped.afterwards) await step(sandbox.files); // Each may build on the one before.
  } catch (error) {
    await sandbox.destroy();
    throw error;
  }
  return sandbox;
}

/** What a sandbox needs that gets its contents from a snapshot. */
export function rehydrateOptions(
  fresh: Omit<FreshSandbox, 'manifest'>,
): CreateOptions & { readonly limits?: RestoreLimits } {
  const { entries: _entries, setup: _setup, ...needs } = needsOf(fresh);
  const { limits } = fresh;
  return { ...common(fresh), manifest: needs, ...(limits === undefined ? {} : { limits }) };
}

/** The SDK's limits on archives, for the one thing here that unpacks: a snapshot. */
export function restoreLimits(
  limits: SandboxArchiveLimits | null | undefined,
): RestoreLimits | undefined {
  if (!limits) return undefined;
  const { maxExtractedBytes, maxMembers } = limits;
  return {
    ...(typeof maxExtractedBytes === 'number' ? { maxBytes: maxExtractedBytes } : {}),
    ...(typeof maxMembers === 'number' ? { maxEntries: maxMembers } : {}),
  };
}

/** What of the host the entries of a manifest may copy. */
export function localSources(
  { baseDirectory = process.cwd() }: GantrySandboxClientOptions,
  manifest: SdkManifest,
): LocalSources {
  return { baseDirectory, granted: manifest.extraPathGrants.map(({ path }) => path) };
}

/** The store of the client. Throws `failed-precondition` where it has none. */
function requireStore({ snapshots }: GantrySandboxClientOptions): SnapshotStore {
  if (snapshots) return snapshots;
  throw new SandboxError(
    'failed-precondition',
    'there is no snapshot store; make the client with { snapshots: store }',
  );
}

function createOptions(
  fresh: FreshSandbox,
  entries: Readonly<Record<string, ManifestEntry>>,
): CreateOptions {
  const needs = needsOf(fresh);
  const twice = Object.keys(entries).find((path) => Object.hasOwn(needs.entries ?? {}, path));
  if (twice !== undefined) {
    const message = `${twice} is in the manifest of the agent and in that of the Gantry client`;
    throw new SandboxError('invalid-argument', message, { operation: 'create' });
  }
  return { ...common(fresh), manifest: { ...needs, entries: { ...needs.entries, ...entries } } };
}

function needsOf({ run, environment }: Pick<FreshSandbox, 'run' | 'environment'>): Manifest {
  const { manifest = { spec: 'gantry-manifest/1' } } = run;
  return { ...manifest, env: { ...manifest.env, ...environment } };
}

function common({ client, run }: Pick<FreshSandbox, 'client' | 'run'>): CreateOptions {
  const { labels, maxLifetimeMs } = run;
  const { secrets, baseDirectory } = client;
  return {
    ...(labels === undefined ? {} : { labels }),
    ...(maxLifetimeMs === undefined ? {} : { maxLifetimeMs }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(baseDirectory === undefined ? {} : { baseDirectory }),
  };
}

/** Of a seeded workspace: what it has is newer than what the manifest says. */
async function addMissing(sandbox: Sandbox, { manifest }: CreateOptions): Promise<void> {
  const paths = Object.entries(manifest?.entries ?? {});
  const missing = await Promise.all(
    paths.map(async ([path, entry]) =>
      (await sandbox.files.exists(path)) ? [] : [[path, entry] as const],
    ),
  );
  const entries = Object.fromEntries(missing.flat());
  if (Object.keys(entries).length === 0) return;
  await sandbox.apply({ spec: 'gantry-manifest/1', entries });
}
