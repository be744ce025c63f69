import { defineProvider, type Provider } from '@gantry/core/driver';
import { vercelDriver } from './driver.ts';
import { resolveOptions, type VercelOptions } from './options.ts';

export type { VercelOptions } from './options.ts';

/** Sandboxes of a Vercel project, reached by the vendor's own SDK. */
export function vercel(options: VercelOptions = {}): Provider {
  return defineProvider(vercelDriver(resolveOptions(options)));
}

export { vercel as default };
