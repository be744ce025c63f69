import {
  SandboxError,
  type CreateOptions,
  type Manifest,
  type ManifestEntry,
  type Provider,
  type Sandbox,
} from '@gantry/core';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** A mutant of `create`. */
function onProviderCreate(
  name: string,
  breaks: string,
  kills: readonly string[],
  create: (provider: Provider, options: CreateOptions) => Promise<Sandbox>,
): Mutant {
  return {
    name,
    breaks,
    kills,
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({ create: (options = {}) => create(original, options) }),
      }),
  };
}

/** A manifest that has been changed, if there is one. */
function edited(options: CreateOptions, change: (manifest: Manifest) => Manifest): CreateOptions {
  const { manifest } = options;
  // Manifests that are wrong on purpose are left to core.
  return typeof manifest === 'object' ? { ...options, manifest: change(manifest) } : options;
}

function withoutModes(entries: NonNullable<Manifest['entries']>): NonNullable<Manifest['entries']> {
  const plain = Object.entries(entries).map(([path, entry]): [string, ManifestEntry] => {
    if (entry.type !== 'file') return [path, entry];
    const { mode: _lost, ...rest } = entry;
    return [path, rest];
  });
  return Object.fromEntries(plain);
}

export const manifestMutants: readonly Mutant[] = [
  onProviderCreate(
    'manifest-skipped',
    'makes an empty sandbox of a manifest that it cannot honour',
    [
      'mounts/grant',
      'network/modes',
      'core/create-refuse',
      'core/create-failure',
      'core/manifest-strict',
      'core/manifest-paths',
      'core/manifest-plan-refuses',
      'core/manifest-data-loss',
      'core/manifest-sources-confined',
      'core/manifest-sources-change',
      'core/manifest-archives',
      'core/manifest-setup',
    ],
    (provider, options) =>
      provider.create(options).catch((error: unknown) => {
        if (!SandboxError.is(error) || error.code === 'cancelled') throw error;
        const { manifest: _skipped, ...rest } = options;
        return provider.create(rest);
      }),
  ),
  onProviderCreate(
    'modes-lost',
    'loses modes on the way',
    ['core/manifest-exact', 'core/manifest-receipt'],
    (provider, options) =>
      provider.create(
        edited(options, (manifest) => ({
          ...manifest,
          entries: withoutModes(manifest.entries ?? {}),
        })),
      ),
  ),
  onProviderCreate(
    'empty-directories-lost',
    'loses empty directories',
    ['core/manifest-exact', 'core/manifest-receipt'],
    (provider, options) =>
      provider.create(
        edited(options, (manifest) => ({
          ...manifest,
          entries: Object.fromEntries(
            Object.entries(manifest.entries ?? {}).filter(([, { type }]) => type !== 'dir'),
          ),
        })),
      ),
  ),
  onProviderCreate(
    'setup-backwards',
    'runs set-up commands in another order',
    ['core/manifest-setup'],
    (provider, options) =>
      provider.create(
        edited(options, (manifest) => ({
          ...manifest,
          setup: (manifest.setup ?? []).toReversed(),
        })),
      ),
  ),
  onProviderCreate(
    'entry-by-entry',
    'puts entries in place one by one',
    ['core/manifest-batched'],
    async (provider, options) => {
      const { entries = {}, ...rest } = options.manifest ?? { spec: 'gantry-manifest/1' };
      const sandbox = await provider.create({ ...options, manifest: rest });
      for (const [path, entry] of Object.entries(entries)) {
        await sandbox.apply({ spec: 'gantry-manifest/1', entries: { [path]: entry } });
      }
      return sandbox;
    },
  ),
  {
    name: 'receipt-invented',
    breaks: 'writes digests into the receipt that are no digests of anything',
    kills: ['core/manifest-plan-pure', 'core/manifest-digest'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: ({ receipt }) =>
          receipt
            ? {
                receipt: { ...receipt, manifestDigest: '0'.repeat(64), planDigest: '0'.repeat(64) },
              }
            : {},
      }),
  },
  {
    name: 'collect-says-done',
    breaks: 'reports a collect as done though it was refused',
    kills: ['core/collect-confined', 'core/collect-limits'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          collect: (destination, options) =>
            sandbox
              .collect(destination, options)
              .catch(() => ({ spec: 'gantry-collect/1', destination, entries: [], missing: [] })),
        }),
      }),
  },
];
