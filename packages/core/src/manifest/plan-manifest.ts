import type { Capabilities } from '../contract/capabilities.ts';
import type { Manifest } from '../contract/manifest-types.ts';
import type { MountRequest } from '../contract/create-request.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { pathText } from './byte-path.ts';
import { canonicalDigest } from './canonical-json.ts';
import { brokeredSecrets } from './manifest-secrets.ts';
import { planRefusals } from './plan-refusals.ts';
import type { Plan, PlanEntry, PlanPolicy, PlanSecret } from './plan-types.ts';
import type { ResolvedManifest } from './resolve-manifest.ts';
import type { ItemSource, WorkspaceItem } from './workspace-item.ts';

/** For whom a plan is made. */
export interface PlanOptions {
  /** The provider's id. */
  readonly provider: string;
  readonly capabilities: Capabilities;
}

/**
 * What will be done to make a sandbox of a resolved manifest, and all that the provider cannot do of it.
 * Pure: it reads and changes nothing, and equal inputs give equal plans.
 */
export function planManifest(resolved: ResolvedManifest, options: PlanOptions): Plan {
  const policy = planPolicy(resolved.manifest, resolved.mounts);
  const entries = resolved.sources.map(planEntry);
  const identity = {
    spec: 'gantry-plan/1',
    provider: options.provider,
    policy,
    entries: entries.map(({ notes: _notes, ...entry }) => entry),
  };
  return {
    spec: 'gantry-plan/1',
    provider: options.provider,
    manifestDigest: resolved.manifestDigest,
    digest: canonicalDigest(identity),
    policy,
    entries,
    ...planSecrets(resolved.manifest, options.capabilities),
    refused: planRefusals(resolved.manifest, options.capabilities),
  };
}

/** Throws one `unsupported` error that lists everything a plan refuses; returns when there is nothing. */
export function refuseUnsupported(plan: Plan, operation: string): void {
  if (plan.refused.length === 0) return;
  const lines = plan.refused.map(({ path, field, reason }) => `${path ?? field}: ${reason}`);
  throw new SandboxError(
    'unsupported',
    `${plan.provider} cannot make this manifest:\n  ${lines.join('\n  ')}`,
    { operation, provider: plan.provider, details: { refused: plan.refused } },
  );
}

function planPolicy(manifest: Manifest, mounts: readonly MountRequest[]): PlanPolicy {
  const { image, root, privilege, user, network, resources, ports, setup } = manifest;
  return {
    ...(image === undefined ? {} : { image }),
    ...(root === undefined ? {} : { root }),
    ...(privilege === undefined ? {} : { privilege }),
    ...(user === undefined ? {} : { user }),
    network: network ?? { mode: 'none' },
    ...(resources === undefined ? {} : { resources }),
    ...(ports === undefined ? {} : { ports }),
    mounts,
    setup: setup ?? [],
  };
}

/** No part of the plan's digest: the same workspace comes of it. */
function planSecrets(manifest: Manifest, capabilities: Capabilities): Pick<Plan, 'secrets'> {
  if (!capabilities.secrets) return {};
  const by = capabilities.secrets.inject.includes('placeholder') ? 'proxy' : 'provider';
  const secrets = Object.entries(brokeredSecrets(manifest) ?? {}).map(
    ([name, { hosts }]): PlanSecret => ({ name, hosts, by }),
  );
  return secrets.length === 0 ? {} : { secrets };
}

function planEntry({ path, type, items, commit, notes }: ItemSource): PlanEntry {
  const files = items.filter((item) => item.type === 'file');
  return {
    path,
    type,
    files: files.length,
    directories: items.filter((item) => item.type === 'directory').length,
    links: items.length - files.length - items.filter((item) => item.type === 'directory').length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    ...(commit === undefined ? { digest: canonicalDigest(items.map(identity)) } : { commit }),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/** What of an item is its identity: all but the time of its last change. */
function identity(item: WorkspaceItem): Readonly<Record<string, unknown>> {
  const path = pathText(item.path);
  if (item.type === 'symlink' || item.type === 'hardlink') {
    return { type: item.type, path, target: pathText(item.target) };
  }
  const mode = item.mode.toString(8).padStart(4, '0');
  if (item.type === 'directory') return { type: item.type, path, mode };
  return { type: item.type, path, mode, size: item.size, sha256: item.sha256 };
}
