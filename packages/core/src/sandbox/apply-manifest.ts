import type { Call } from '../contract/call.ts';
import type { CollectReceipt, Manifest, MaterializeReceipt } from '../contract/manifest-types.ts';
import type { ApplyOptions, CollectOptions } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { CollectedOutput } from '../manifest/collect-types.ts';
import { collectOutputs } from '../manifest/collect-outputs.ts';
import { materialize } from '../manifest/materialize.ts';
import { prepareManifest } from '../provider/prepare-manifest.ts';
import type { Session } from '../provider/session.ts';
import { workspaceTarget } from './session-target.ts';

/** What only the making of a sandbox can honour. */
const fixedAtCreate = [
  'image',
  'root',
  'privilege',
  'user',
  'env',
  'secrets',
  'network',
  'resources',
  'ports',
  'maxLifetimeMs',
] as const;

/** Puts a manifest's contents into the workspace of a live sandbox. */
export async function applyManifest(
  session: Session,
  manifest: Manifest,
  options: ApplyOptions,
  call: Call,
): Promise<MaterializeReceipt> {
  const { driver, capabilities } = session;
  const fields: string[] = fixedAtCreate.filter((field) => manifest[field] !== undefined);
  const mounted = Object.entries(manifest.entries ?? {}).filter(
    ([, { type }]) => type === 'hostMount',
  );
  const late = [...fields, ...mounted.map(([path]) => `entries.${path}`)];
  if (late.length > 0) {
    const message = `apply: a sandbox that runs cannot take ${late.join(', ')}; create one with this manifest`;
    throw new SandboxError('unsupported', message, { details: { fields: late } });
  }
  const { resolved, plan } = await prepareManifest(
    driver.id,
    capabilities,
    manifest,
    options,
    call,
  );
  return materialize(resolved, plan, workspaceTarget(session), call);
}

/** Fetches the named outputs, or those that the manifest declares. */
export function collectFrom(
  session: Session,
  manifest: Manifest | undefined,
  destination: string,
  options: CollectOptions,
  call: Call,
): Promise<CollectReceipt> {
  const { maxBytes, maxEntries } = options;
  const request = {
    destination,
    outputs: options.outputs?.map((path) => ({ path })) ?? declaredOutputs(manifest),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxEntries === undefined ? {} : { maxEntries }),
  };
  return collectOutputs(workspaceTarget(session), request, call);
}

function declaredOutputs(manifest: Manifest | undefined): CollectedOutput[] {
  return Object.entries(manifest?.entries ?? {}).flatMap(([path, entry]) =>
    entry.type === 'output'
      ? [{ path, kind: entry.kind ?? 'dir', required: entry.required ?? false }]
      : [],
  );
}

/** Where a manifest mounts something in the workspace, which is then no part of it. */
export function mountPaths(manifest: Manifest | undefined): string[] {
  const mounts = new Set(['hostMount', 's3', 'gcs', 'r2', 'azureBlob']);
  return Object.entries(manifest?.entries ?? {}).flatMap(([path, { type }]) =>
    mounts.has(type) ? [path] : [],
  );
}
