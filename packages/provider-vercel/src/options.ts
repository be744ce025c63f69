import { SandboxError } from '@gantry/core/driver';
import type { NetworkPolicyRule } from '@vercel/sandbox';
import { vendorFetch } from './vendor-fetch.ts';

/** Which project to use, and what its sandboxes are. */
export interface VercelOptions {
  /** Default: `VERCEL_TOKEN`. It never gets into a ref, an error or a log. Without one the SDK's own `VERCEL_OIDC_TOKEN` counts. */
  readonly token?: string;
  /** Default: `VERCEL_TEAM_ID`. Needed with a token. */
  readonly teamId?: string;
  /** Default: `VERCEL_PROJECT_ID`. Needed with a token. */
  readonly projectId?: string;
  /** Another place than the vendor's `https://vercel.com/api`. Default: `VERCEL_SANDBOX_API_URL`. */
  readonly apiUrl?: string;
  /** What a sandbox is made of when its manifest names no image. Default: the vendor's own. */
  readonly image?: string;
  /** Virtual processors of each sandbox, with 2048 MB of memory for each. Default: the vendor's. */
  readonly vcpus?: number;
  /** Whether a sandbox that stops keeps its disk, and can be suspended. Default: true. */
  readonly persistent?: boolean;
  /** What the vendor does to requests to a domain that a sandbox may reach, such as adding a header that the guest never sees. */
  readonly networkRules?: Readonly<Record<string, readonly NetworkPolicyRule[]>>;
}

const names: readonly string[] = [
  ...['token', 'teamId', 'projectId', 'apiUrl', 'image', 'vcpus', 'persistent', 'networkRules'],
];

/** What every static function of the SDK is given. */
export interface VendorAccess {
  readonly token?: string;
  readonly teamId?: string;
  readonly projectId?: string;
  readonly fetch: typeof globalThis.fetch;
}

/** The options with what the driver itself must know filled in. */
export interface ResolvedOptions extends Pick<VercelOptions, 'image' | 'vcpus'> {
  readonly access: VendorAccess;
  readonly persistent: boolean;
  readonly networkRules: Readonly<Record<string, readonly NetworkPolicyRule[]>>;
}

/** Checks the options; throws `invalid-argument` for one that there is not, and for a token without its team and project. */
export function resolveOptions(options: VercelOptions): ResolvedOptions {
  const refuse = (message: string): never => {
    throw new SandboxError('invalid-argument', `vercel: ${message}`, { provider: 'vercel' });
  };
  const unknown = Object.keys(options).find((key) => !names.includes(key));
  if (unknown !== undefined) refuse(`there is no option ${JSON.stringify(unknown)}`);
  const { env } = process;
  const token = options.token ?? env['VERCEL_TOKEN'];
  const teamId = options.teamId ?? env['VERCEL_TEAM_ID'];
  const projectId = options.projectId ?? env['VERCEL_PROJECT_ID'];
  if (token !== undefined && (teamId === undefined || projectId === undefined)) {
    refuse('a token needs teamId and projectId too');
  }
  const { image, vcpus, persistent = true, networkRules = {} } = options;
  return {
    access: {
      ...(token === undefined || teamId === undefined || projectId === undefined
        ? {}
        : { token, teamId, projectId }),
      fetch: vendorFetch(options.apiUrl ?? env['VERCEL_SANDBOX_API_URL']),
    },
    ...{ persistent, networkRules },
    ...(image === undefined ? {} : { image }),
    ...(vcpus === undefined ? {} : { vcpus }),
  };
}
