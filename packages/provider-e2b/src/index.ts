import { defineProvider, type Provider } from '@gantry/core/driver';
import { e2bDriver } from './driver.ts';
import { type E2bOptions, resolveOptions } from './options.ts';

export type { E2bOptions } from './options.ts';

/** Sandboxes of an E2B account: Firecracker microVMs, reached by the vendor's own SDK. */
export function e2b(options: E2bOptions = {}): Provider {
  return defineProvider(e2bDriver(resolveOptions(options)));
}

export { e2b as default };
