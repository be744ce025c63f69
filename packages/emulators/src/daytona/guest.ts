import path from 'node:path';
import type {
  Capabilities,
  CreateOptions,
  ManifestEntry,
  NetworkPolicy,
  Provider,
  ResourceRequest,
  Sandbox,
} from '@gantry/core';
import { prepareAccount } from '../chassis/guest-account.ts';
import { linkVolume } from '../chassis/volume-directories.ts';
import { ApiError, unsupported } from './api-error.ts';
import { account } from './daytona-sandbox.ts';
import type { SnapshotShape } from './snapshots.ts';
import type { MountedVolume, NetworkSettings, NewSandbox } from './wire-bodies.ts';
import { type Volumes, volumesDirectory } from './volumes.ts';

const gibibyte = 2 ** 30;

/**
 * What a provider is asked for, so that a sandbox of it can pass for one of Daytona. Throws the vendor's error for
 * what it cannot give.
 */
export function guestRequest(
  provider: Provider,
  capabilities: Capabilities,
  request: NewSandbox,
  shape: SnapshotShape,
  volumes: Volumes,
): CreateOptions {
  if (!capabilities.root?.modes.includes('copy-on-write')) {
    throw unsupported(`provider ${provider.id} has no root file system that a guest can write`);
  }
  const { user = account.name, secrets = [], gpu = 0 } = request;
  if (user !== account.name) throw unsupported(`there is no user but ${account.name}`);
  if (secrets.length > 0 || gpu > 0 || request.kvm || request.outboundProxyUrl) {
    throw unsupported('secrets, graphics processors, KVM and proxies are not emulated');
  }
  const sized = [request.cpu, request.memory, request.disk].some((value) => value !== undefined);
  if (sized && !request.buildInfo) {
    throw new ApiError(400, 'Cannot specify Sandbox resources when using a snapshot');
  }
  const mounts = (request.volumes ?? []).map((mounted) => volumes.get(mounted.volumeId));
  if (mounts.length > 0 && !capabilities.mounts?.kinds.includes('hostMount')) {
    throw unsupported(`provider ${provider.id} cannot mount a directory of this machine`);
  }
  const entries = Object.fromEntries(
    mounts.map(({ id, directory }): [string, ManifestEntry] => [
      path.relative('/workspace', volumePlace(id)),
      { type: 'hostMount', source: directory, writable: true },
    ]),
  );
  const { image } = shape;
  const resources = sized ? resourcesOf(provider, capabilities, request) : undefined;
  return {
    manifest: {
      spec: 'gantry-manifest/1',
      root: 'copy-on-write',
      network: networkPolicy(provider, request),
      labels: { 'gantry-emulator': 'daytona' },
      ...(image === undefined ? {} : { image }),
      ...(resources === undefined ? {} : { resources }),
      ...(mounts.length > 0 ? { entries } : {}),
    },
  };
}

/** Turns a fresh sandbox into one that has the vendor's user, home and volumes. */
export async function prepareGuest(
  sandbox: Sandbox,
  volumes: readonly MountedVolume[],
): Promise<void> {
  const problem = await prepareAccount(sandbox, account);
  if (problem !== undefined) {
    throw unsupported(`the sandbox cannot be given the user ${account.name}: ${problem}`);
  }
  for (const { volumeId, mountPath, subpath } of volumes) {
    const place = `${volumePlace(volumeId)}${subpath === undefined ? '' : `/${subpath}`}`;
    const trouble = await linkVolume(sandbox, place, mountPath);
    if (trouble !== undefined) throw new ApiError(400, `volume at ${mountPath}: ${trouble}`);
  }
}

/** The image that a build consists of; anything more than that is refused. */
export function imageOf(dockerfile: string): string {
  const lines = dockerfile.split('\n').filter((line) => line.trim() !== '');
  const image = /^FROM\s+(\S+)\s*$/i.exec(lines[0] ?? '')?.[1];
  if (image !== undefined && lines.length === 1) return image;
  throw unsupported('images are not built here; name one that is there');
}

/**
 * A network in the provider's terms. Without a word about it a sandbox gets what the vendor gives, all of it, as far as
 * there is one; asked for in so many words and not there, it is refused.
 */
export function networkPolicy(provider: Provider, settings: NetworkSettings): NetworkPolicy {
  const modes = provider.capabilities.network?.modes ?? ['none'];
  if (settings.networkBlockAll) return { mode: 'none' };
  const lists = [settings.networkAllowList, settings.domainAllowList];
  const allow = lists.flatMap((list) => (list ?? '').split(',')).map((item) => item.trim());
  const wanted = allow.filter((item) => item !== '');
  if (wanted.length > 0) {
    if (modes.includes('allow-list')) return { mode: 'allow-list', allow: wanted };
    throw unsupported(`provider ${provider.id} has no network that is limited to a list`);
  }
  if (modes.includes('open')) return { mode: 'open' };
  if (settings.networkBlockAll === undefined) return { mode: 'none' };
  throw unsupported(`provider ${provider.id} has no network`);
}

function volumePlace(volumeId: string): string {
  return `${volumesDirectory}/${volumeId}`;
}

function resourcesOf(
  provider: Provider,
  { resources }: Capabilities,
  { cpu, memory, disk }: NewSandbox,
): ResourceRequest {
  const asked: ResourceRequest = {
    ...(cpu === undefined ? {} : { cpus: cpu }),
    ...(memory === undefined ? {} : { memoryBytes: memory * gibibyte }),
    ...(disk === undefined ? {} : { diskBytes: disk * gibibyte }),
  };
  const missing = Object.keys(asked).find(
    (name) => !resources?.settable.some((one) => one === name),
  );
  if (missing === undefined) return asked;
  throw unsupported(`provider ${provider.id} cannot limit ${missing}`);
}
