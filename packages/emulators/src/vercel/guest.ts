import path from 'node:path';
import type { Capabilities, CreateOptions, ManifestEntry, Provider, Sandbox } from '@gantry/core';
import {
  accountNumber,
  prepareAccount,
  prepareAccountBesideRoot,
} from '../chassis/guest-account.ts';
import { SetHeaders } from '../chassis/set-headers.ts';
import { linkVolume } from '../chassis/volume-directories.ts';
import { unsupported, badRequest, notFound } from './api-error.ts';
import { type Drives, drivesDirectory } from './drives.ts';
import { providerPolicy, setHeadersOf } from './network-policy.ts';
import type { VercelSandbox } from './vercel-sandbox.ts';

/** Images and runtimes that stand for the provider's default. */
const ownImages = /^vercel\/sandbox\/[a-z0-9-]+(?::[\w.-]+)?$/;
const runtimes: ReadonlySet<string> = new Set(['node26', 'node24', 'node22', 'python3.13']);

/**
 * What a provider is asked for, so that a sandbox of it can pass for a session of Vercel's. Throws the vendor's error for what
 * it cannot give.
 */
export function guestRequest(
  provider: Provider,
  capabilities: Capabilities,
  { settings, name }: VercelSandbox,
  drives: Drives,
  headers: SetHeaders = new SetHeaders(setHeadersOf(settings.networkPolicy)),
): CreateOptions {
  if (!capabilities.root?.modes.includes('copy-on-write')) {
    throw unsupported(`provider ${provider.id} has no root file system that a guest can write`);
  }
  const { image, runtime, networkId } = settings;
  if (networkId !== undefined) throw unsupported('private networks are not emulated');
  if (runtime !== undefined && !runtimes.has(runtime)) throw badRequest(`no runtime ${runtime}`);
  const own = image === undefined || ownImages.test(image);
  if (!own && !capabilities.images) throw notFound(`Image ${image}`);
  const mounted = Object.values(settings.mounts ?? {}).map(({ drive, mode }) => {
    if (mode === 'snapshot') throw unsupported('drives are not copied');
    return drives.get(drive);
  });
  if (mounted.length > 0 && !capabilities.mounts?.kinds.includes('hostMount')) {
    throw unsupported(`provider ${provider.id} cannot mount a directory of this machine`);
  }
  const entries = Object.fromEntries(
    mounted.map(({ id, directory }): [string, ManifestEntry] => [
      path.relative('/workspace', `${drivesDirectory}/${id}`),
      { type: 'hostMount', source: directory, writable: true },
    ]),
  );
  const { part, ...resolving } = headers.options;
  return {
    ...resolving,
    manifest: {
      spec: 'gantry-manifest/1',
      ...part,
      root: 'copy-on-write',
      network: providerPolicy(provider, settings.networkPolicy),
      labels: { 'gantry-emulator': 'vercel', 'vercel-name': name },
      ...(hasSudo(capabilities)
        ? { privilege: 'guest-root', user: `${accountNumber}:${accountNumber}` }
        : {}),
      ...(own ? {} : { image }),
      ...(mounted.length > 0 ? { entries } : {}),
    },
  };
}

/** Whether a guest can have a root beside its own user. */
export function hasSudo({ users, privilege }: Capabilities): boolean {
  return users !== undefined && (privilege?.modes.includes('guest-root') ?? false);
}

/** Who may do everything in a guest: root where there is one, else the guest itself. */
export function superuser({ capabilities }: Sandbox): { readonly user?: string } {
  return hasSudo(capabilities) ? { user: 'root' } : {};
}

/** Turns a fresh sandbox into one that has the vendor's user, its directories and its drives. */
export async function prepareGuest(
  guest: Sandbox,
  { account, cwd, settings }: VercelSandbox,
  drives: Drives,
): Promise<void> {
  const asRoot = superuser(guest);
  const prepare = hasSudo(guest.capabilities) ? prepareAccountBesideRoot : prepareAccount;
  const problem = await prepare(guest, account);
  if (problem !== undefined) {
    throw unsupported(`the sandbox cannot be given the user ${account.name}: ${problem}`);
  }
  const script = 'mkdir -p -- "$1" && { [ "$(id -un)" = "$2" ] || chown -- "$2:$2" "$1"; }';
  const made = await guest.exec(['/bin/sh', '-c', script, 'sh', cwd, account.name], asRoot);
  if (!made.ok) throw unsupported(`the sandbox cannot have ${cwd}: ${made.stderr.text}`);
  for (const [place, { drive }] of Object.entries(settings.mounts ?? {})) {
    const { id } = drives.get(drive);
    const trouble = await linkVolume(guest, `${drivesDirectory}/${id}`, place, asRoot);
    if (trouble !== undefined) throw badRequest(`drive at ${place}: ${trouble}`);
  }
}
