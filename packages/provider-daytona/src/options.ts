import { SandboxError } from '@gantry/core/driver';
import type { Resources } from './sdk.ts';

/** What happens to a sandbox by itself, in whole minutes. */
interface SandboxIntervals {
  /** Idle ones are stopped. 0: never, which is the default here. */
  readonly stop?: number;
  /** Idle virtual machines are suspended with memory. */
  readonly pause?: number;
  /** Stopped ones are moved to the vendor's object storage, from where `resume` takes longer. */
  readonly archive?: number;
  /** Stopped ones are deleted. 0: as soon as they stop; -1: never, which is the default. */
  readonly delete?: number;
}

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
  /** Whole minutes after which the vendor changes a sandbox. Default: none, but for the vendor's own of `archive`. */
  readonly intervals?: SandboxIntervals;
  /**
   * Has `expose` give a signed link, which whoever has it can use without a header, for so many seconds. Default: the plain
   * address, with a token in a header for as long as the sandbox lives.
   */
  readonly signedPreviewSeconds?: number;
  /** Milliseconds that the vendor gets to answer one request. Default: the SDK's, one day. */
  readonly requestTimeoutMs?: number;
}

const names: readonly string[] = [
  ...['apiKey', 'apiUrl', 'target', 'snapshot', 'sandboxClass', 'resources', 'volumes'],
  ...['intervals', 'signedPreviewSeconds', 'requestTimeoutMs'],
];

/** Least values of the intervals. */
const intervalLeast: Readonly<Record<keyof SandboxIntervals, number>> = {
  ...{ stop: 0, pause: 0, archive: 0, delete: -1 },
};

/** Checks the options; throws `invalid-argument` for one that there is not, or that cannot be. */
export function checkOptions(options: DaytonaOptions): DaytonaOptions {
  const unknown = Object.keys(options).find((key) => !names.includes(key));
  if (unknown !== undefined) throw refused(`there is no option ${JSON.stringify(unknown)}`);
  const { intervals = {}, signedPreviewSeconds: seconds = 1 } = options;
  for (const [name, minutes] of Object.entries(intervals)) {
    const [, least] = Object.entries(intervalLeast).find(([known]) => known === name) ?? [];
    if (least === undefined) throw refused(`there is no interval ${JSON.stringify(name)}`);
    if (Number.isInteger(minutes) && minutes >= least) continue;
    throw refused(`the interval ${name} is whole minutes from ${least}, not ${String(minutes)}`);
  }
  if (Number.isInteger(seconds) && seconds >= 1) return options;
  throw refused(`signedPreviewSeconds is a whole number from 1, not ${String(seconds)}`);
}

function refused(what: string): SandboxError {
  return new SandboxError('invalid-argument', `daytona: ${what}`, { provider: 'daytona' });
}
