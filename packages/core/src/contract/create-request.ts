import type { NetworkPolicy } from './network.ts';
import type { SecretResolver, SecretRule } from './secret-rule.ts';

/** What a new sandbox must be. Core has checked every part against the driver's capabilities. */
export interface CreateRequest {
  /** Gantry's own id for the sandbox: unguessable, `[a-z0-9-]`. The ref's id may differ. */
  readonly id: string;
  /** For `inventory` to filter by. Never secret. */
  readonly labels: Readonly<Record<string, string>>;
  /** The environment of every process in the sandbox. Must outlast the creating process. */
  readonly env: Readonly<Record<string, string>>;
  /** The sandbox ends by itself this many milliseconds after its creation, whatever happens to the caller. */
  readonly maxLifetimeMs: number;
  readonly network: NetworkPolicy;
  /** Environment variable -> the secret that the sandbox gets a placeholder of. Present only when the driver declares `secrets`, or `network.secretHeaders`. */
  readonly secrets?: Readonly<Record<string, SecretRule>>;
  /** Resolves secret references other than `env:` and `file:`, where the caller has said how. */
  readonly secretResolver?: SecretResolver;
  readonly root?: 'read-only' | 'copy-on-write';
  readonly privilege?: 'none' | 'guest-root';
  /** Image or template, in the provider's own terms. Absent: the provider's default. */
  readonly image?: string;
  /** Default user of every process. */
  readonly user?: string;
  readonly resources?: ResourceRequest;
  readonly ports?: readonly number[];
  readonly mounts?: readonly MountRequest[];
}

/** How much a sandbox may use. */
export interface ResourceRequest {
  /** Processors; may be a fraction. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
  /** Bytes of the workspace. */
  readonly diskBytes?: number;
}

/** A directory or file of the host, seen at an absolute path in the sandbox. */
export interface MountRequest {
  readonly kind: 'hostMount';
  /** Absolute, real path on the host; core has checked the grant. */
  readonly source: string;
  /** Absolute path in the sandbox. */
  readonly target: string;
  readonly writable: boolean;
}
