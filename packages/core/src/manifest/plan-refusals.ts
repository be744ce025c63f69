import type { Capabilities } from '../contract/capabilities.ts';
import type { Manifest } from '../contract/manifest-types.ts';
import { headerProblem } from './header-places.ts';
import { brokeredSecrets } from './manifest-secrets.ts';
import { limitsRequests } from './network-rule.ts';
import type { PlanRefusal } from './plan-types.ts';

/** Everything that a manifest asks for and a provider of these capabilities cannot do. */
export function planRefusals(
  manifest: Manifest,
  capabilities: Capabilities,
): readonly PlanRefusal[] {
  return [
    ...fixedChoices(manifest, capabilities),
    ...resourceRefusals(manifest, capabilities),
    ...portRefusals(manifest, capabilities),
    ...mountRefusals(manifest, capabilities),
    ...secretRefusals(manifest, capabilities),
  ];
}

function fixedChoices(manifest: Manifest, capabilities: Capabilities): PlanRefusal[] {
  const { image, user, root, privilege, network, maxLifetimeMs } = manifest;
  const { images, users, lifetime } = capabilities;
  const longest = lifetime?.maxMs ?? Infinity;
  return [
    ...unless(image === undefined || images !== undefined, 'image', 'images cannot be chosen'),
    ...unless(user === undefined || users !== undefined, 'user', 'users cannot be chosen'),
    ...unlessOneOf(root, capabilities.root?.modes, 'root'),
    ...unlessOneOf(privilege, capabilities.privilege?.modes, 'privilege'),
    ...unlessOneOf(network?.mode, ['none', ...(capabilities.network?.modes ?? [])], 'network'),
    ...unless(
      !limitsRequests(network) || capabilities.network?.requests === true,
      'network.requests',
      'the provider cannot limit a host to some requests',
    ),
    ...unless(
      (maxLifetimeMs ?? 0) <= longest,
      'maxLifetimeMs',
      `a sandbox lives ${longest} ms at the most`,
    ),
  ];
}

function resourceRefusals({ resources }: Manifest, capabilities: Capabilities): PlanRefusal[] {
  const settable: readonly string[] = capabilities.resources?.settable ?? [];
  return Object.keys(resources ?? {})
    .filter((name) => !settable.includes(name))
    .map((name) => ({ field: `resources.${name}`, reason: 'the provider cannot limit it' }));
}

function portRefusals({ ports = [] }: Manifest, { ports: declared }: Capabilities): PlanRefusal[] {
  if (ports.length === 0) return [];
  if (declared === undefined) return [{ field: 'ports', reason: 'the provider exposes no ports' }];
  const most = declared.maxOpen ?? Infinity;
  return unless(ports.length <= most, 'ports', `the provider exposes ${most} ports at the most`);
}

function mountRefusals({ entries = {} }: Manifest, { mounts }: Capabilities): PlanRefusal[] {
  return Object.entries(entries).flatMap(([path, { type }]) => {
    if (type === 'hostMount' && mounts?.kinds.includes('hostMount') !== true) {
      return [{ path, reason: 'the provider cannot mount paths of the host' }];
    }
    const bucket = type === 's3' || type === 'gcs' || type === 'r2' || type === 'azureBlob';
    return bucket ? [{ path, reason: `${type} mounts are not supported yet` }] : [];
  });
}

function secretRefusals(manifest: Manifest, capabilities: Capabilities): PlanRefusal[] {
  const { secrets = {}, env = {} } = manifest;
  const brokered = brokeredSecrets(manifest) ?? {};
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const field = `secrets.${name}`;
    if (name in env) return [{ field, reason: 'env has a variable of this name, too' }];
    if ('expose' in secret) return [];
    const { header, query } = secret;
    const { inject } = capabilities.secrets ?? {};
    if (inject?.includes('placeholder')) {
      const way = header !== undefined ? 'header' : query === undefined ? 'placeholder' : 'query';
      return unless(inject.includes(way), field, `the provider does not inject by ${way}`);
    }
    const reason = inject
      ? headerProblem(name, brokered, manifest.network ?? { mode: 'none' })
      : 'the provider cannot keep secrets out of the sandbox; use withEgress of @gantry/egress with local or docker';
    return reason === undefined ? [] : [{ field, reason }];
  });
}

function unless(fine: boolean, field: string, reason: string): PlanRefusal[] {
  return fine ? [] : [{ field, reason }];
}

function unlessOneOf(
  value: string | undefined,
  allowed: readonly string[] | undefined,
  field: string,
): PlanRefusal[] {
  if (value === undefined || allowed?.includes(value) === true) return [];
  const choice = allowed === undefined ? 'offers no choice of it' : `offers ${allowed.join(', ')}`;
  return [{ field, reason: `${value} is asked for, and the provider ${choice}` }];
}
