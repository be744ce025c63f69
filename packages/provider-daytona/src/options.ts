import { SandboxError } from '@gantry/core/driver';
import type { Resources } from './sdk.ts';

/** Which account to use, and what its sandboxes are. */
export interface DaytonaOptions {
  /** Default: `DAYTONA_API_KEY`. It never gets into a ref, an error or a log. */
  readonly apiKey?: string;
  /** Default: `DAYTONA_API_URL`, else the vendor's. */
  readonly apiUrl?: string;
  /** The vendor's region. Default: `DAYTONA_TARGET`, else the account's. */
  readonly target?: string;
  /** What a sandbox is made of when its manifest names no image. Default: the account's own. */
  readonly snapshot?: string;
  /** The class of that snapshot's sandboxes: virtual machines can be suspended with memory and forked. Default: `container`. */
  readonly sandboxClass?: 'container' | 'linux-vm';
  /** Processors, and memory and disk in GiB, of sandboxes that are made of an image. Default: the vendor's. */
  readonly resources?: Pick<Resources, 'cpu' | 'memory' | 'disk'>;
  /** Volumes of the account that every sandbox has, by their ids. */
  readonly volumes?: readonly { readonly volumeId: string; readonly mountPath: string }[];
  /** Milliseconds that the vendor gets to answer one request. Default: the SDK's, one day. */
  readonly requestTimeoutMs?: number;
}

const names: readonly string[] = [
  ...['apiKey', 'apiUrl', 'target', 'snapshot', 'sandboxClass', 'resources', 'volumes'],
  'requestTimeoutMs',
];

/** Checks the options; throws `invalid-argument` for one that there is not. */
export function checkOptions(options: DaytonaOptions): DaytonaOptions {
  const unknown = Object.keys(options).find((key) => !names.includes(key));
  if (unknown === undefined) return options;
  const message = `daytona: there is no option ${JSON.stringify(unknown)}`;
  throw new SandboxError('invalid-argument', message, { provider: 'daytona' });
}
