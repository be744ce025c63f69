import { randomBytes } from 'node:crypto';
import type { CpuShare } from '../chassis/cpu-share.ts';
import type { EmulatedSandbox, EmulatedSandboxes } from '../chassis/emulated-sandboxes.ts';
import type { EnvdProcesses } from './envd/envd-processes.ts';
import type { Watchers } from './envd/watchers.ts';
import type { SetHeaders } from '../chassis/set-headers.ts';
import type { NewSandbox } from './wire-bodies.ts';

/** What E2B knows of a sandbox beyond what every vendor does. */
export interface E2bDetails {
  request: NewSandbox;
  readonly headers: SetHeaders;
  readonly clientId: string;
  /** What envd asks of its callers. */
  readonly envdToken: string;
  /** What callers of its ports must carry. Absent: the ports are public. */
  readonly trafficToken?: string;
  readonly timeoutSeconds: number;
  readonly processes: EnvdProcesses;
  readonly watchers: Watchers;
  /** By absolute path. The vendor keeps it in extended attributes, which not every file system has. */
  readonly fileMetadata: Map<string, Readonly<Record<string, string>>>;
  readonly cpu: CpuShare;
}

/** One emulated sandbox of E2B. */
export type E2bSandbox = EmulatedSandbox<E2bDetails>;
/** All of them. */
export type E2bSandboxes = EmulatedSandboxes<E2bDetails>;

/** The version of envd whose behaviour is served. SDKs look at it to know what they may use. */
export const envdVersion = '0.6.13';
/** The port that envd is asked on. */
export const envdPort = 49_983;
/** Made last in a fresh sandbox: what is newer is the guest's own doing. */
export const preparedMarker = '/var/.envd-prepared';
/** The user that commands run as, and its home. */
export const guestUser = 'user';
export const guestHome = '/home/user';

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** An id as the vendor's are: a letter and 19 more letters or digits, unguessable. */
export function newId(): string {
  // 252 is the largest multiple of 36 that a byte can be below: no character is likelier than another.
  const bytes = [...randomBytes(64)].filter((byte) => byte < 252);
  return `i${bytes
    .slice(0, 19)
    .map((byte) => letters[byte % letters.length])
    .join('')}`;
}

/** A secret of its own for each sandbox. */
export function newToken(): string {
  return randomBytes(20).toString('hex');
}
