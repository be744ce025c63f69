import { defineProvider, type Provider } from '@gantry/core/driver';
import { directDriver } from './direct-driver.ts';
import { type LocalOptions, resolveOptions } from './options.ts';
import { processDriver } from './driver.ts';

export type { LocalOptions } from './options.ts';

/**
 * Sandboxes on this machine, without a daemon. Isolated by Linux namespaces unless `isolation: 'none'`
 * asks for none; where the isolation cannot be had in full, `create` is refused.
 */
export function local(options: LocalOptions = {}): Provider {
  const resolved = resolveOptions(options);
  return resolved.isolation === 'none'
    ? defineProvider(directDriver(resolved))
    : defineProvider(processDriver(resolved));
}

export { local as default };
