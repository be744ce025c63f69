import { SandboxError } from '@gantry/core/driver';
import type { ConnectionOpts } from 'e2b';

/** Which account to use, and where. Each is the vendor SDK's own option, and has its own environment variable. */
export interface E2bOptions {
  /** Default: `E2B_API_KEY`. It never gets into a ref, an error or a log. */
  readonly apiKey?: string;
  /** Default: `E2B_DOMAIN`, else the vendor's. */
  readonly domain?: string;
  /** The control plane, where it is not the domain's. Default: `E2B_API_URL`. */
  readonly apiUrl?: string;
  /** Where every sandbox is reached, where it is not the domain's. Default: `E2B_SANDBOX_URL`. */
  readonly sandboxUrl?: string;
  /** What a sandbox is made of when its manifest names no image. Default: `base`. */
  readonly template?: string;
  /** Milliseconds that the vendor gets to answer one request. Default: the SDK's, one minute. */
  readonly requestTimeoutMs?: number;
}

const names = ['apiKey', 'domain', 'apiUrl', 'sandboxUrl', 'template', 'requestTimeoutMs'];

/** The options with what the driver itself must know filled in. */
export interface ResolvedOptions {
  readonly connection: ConnectionOpts & { readonly sandboxUrl?: string };
  readonly template: string;
}

/** Checks the options; throws `invalid-argument` for one that there is not. */
export function resolveOptions(options: E2bOptions): ResolvedOptions {
  const unknown = Object.keys(options).find((key) => !names.includes(key));
  if (unknown !== undefined) {
    const message = `e2b: there is no option ${JSON.stringify(unknown)}`;
    throw new SandboxError('invalid-argument', message, { provider: 'e2b' });
  }
  const { template = 'base', ...connection } = options;
  const sandboxUrl = options.sandboxUrl ?? process.env['E2B_SANDBOX_URL'];
  return { template, connection: { ...connection, ...(sandboxUrl ? { sandboxUrl } : {}) } };
}
