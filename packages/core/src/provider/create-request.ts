import { randomUUID } from 'node:crypto';
import type { Capabilities } from '../contract/capabilities.ts';
import type { Manifest } from '../contract/manifest-types.ts';
import type { CreateOptions } from '../contract/provider.ts';
import type { CreateRequest, MountRequest } from '../contract/create-request.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { brokeredSecrets } from '../manifest/manifest-secrets.ts';
import { toldResolver } from '../manifest/secret-reference.ts';

/** How long a sandbox lives when nobody says. */
const defaultMaxLifetimeMs: number = 60 * 60 * 1000;

/** What a driver is asked to make of a manifest and the caller's options; refuses what is out of bounds. */
export function createRequest(
  capabilities: Capabilities,
  manifest: Manifest | undefined,
  mounts: readonly MountRequest[],
  options: Pick<CreateOptions, 'labels' | 'maxLifetimeMs' | 'secrets' | 'onSecret'>,
): CreateRequest {
  const maxLifetimeMs = options.maxLifetimeMs ?? manifest?.maxLifetimeMs ?? defaultMaxLifetimeMs;
  if (!(maxLifetimeMs > 0) || !Number.isFinite(maxLifetimeMs)) {
    throw new SandboxError(
      'invalid-argument',
      'create: maxLifetimeMs must be a finite number above 0',
    );
  }
  const longest = capabilities.lifetime?.maxMs;
  if (longest !== undefined && maxLifetimeMs > longest) {
    const message = `create: maxLifetimeMs is ${maxLifetimeMs}; this provider allows at most ${longest}`;
    throw new SandboxError('unsupported', message, { details: { capability: 'lifetime' } });
  }
  const labels = { ...manifest?.labels, ...options.labels };
  const wanted = { image: manifest?.image, root: manifest?.root, privilege: manifest?.privilege };
  const brokered = brokeredSecrets(manifest);
  const secrets = { secrets: brokered, secretResolver: brokered && toldResolver(options) };
  const more = { user: manifest?.user, resources: manifest?.resources, ports: manifest?.ports };
  const asked = Object.entries({ ...wanted, ...more, ...secrets }).filter(
    ([, value]) => value !== undefined,
  );
  return {
    id: randomUUID(),
    labels,
    env: manifest?.env ?? {},
    maxLifetimeMs,
    network: manifest?.network ?? { mode: 'none' },
    ...Object.fromEntries(asked),
    ...(mounts.length > 0 ? { mounts } : {}),
  };
}
