import type { Manifest } from '../contract/manifest-types.ts';
import type { NetworkPolicy } from '../contract/network.ts';
import type { MountRequest, ResourceRequest } from '../contract/create-request.ts';

/** One manifest entry, as it will be. */
export interface PlanEntry {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'localFile' | 'localDir' | 'git' | 'archive' | 'output';
  readonly files: number;
  readonly directories: number;
  readonly links: number;
  /** Bytes of all its files. */
  readonly bytes: number;
  /** SHA-256 over path, type, mode, size, digest and link target of all that is in it. Absent for git. */
  readonly digest?: string;
  /** Git only: what the contents are, in place of `digest`. */
  readonly commit?: string;
  /** What was changed or left out on purpose. */
  readonly notes?: readonly string[];
}

/** One secret that the sandbox gets a placeholder of. Never its value. */
export interface PlanSecret {
  readonly name: string;
  readonly hosts: readonly string[];
  /** Who puts it into requests: the proxy of `@gantry/egress`, or the provider's vendor, which does less: see capability `secrets`. */
  readonly by: 'proxy' | 'provider';
}

/** One thing that the provider cannot do, by workspace path or by field of the manifest. */
export interface PlanRefusal {
  readonly path?: string;
  readonly field?: string;
  readonly reason: string;
}

/** What will be done to make a sandbox of a manifest. Plain JSON, and nothing secret. */
export interface Plan {
  readonly spec: 'gantry-plan/1';
  readonly provider: string;
  readonly manifestDigest: string;
  /** SHA-256 over the provider, `policy` and `entries` without notes: equal plans make equal workspaces. */
  readonly digest: string;
  readonly policy: PlanPolicy;
  readonly entries: readonly PlanEntry[];
  /** Absent where there are none. */
  readonly secrets?: readonly PlanSecret[];
  /** Whoever carries out a plan must refuse one that has any; `refuseUnsupported` does. */
  readonly refused: readonly PlanRefusal[];
}

/** What the sandbox is made with, beside its contents. Labels, environment and secrets are not in it. */
export interface PlanPolicy {
  readonly image?: string;
  readonly root?: NonNullable<Manifest['root']>;
  readonly privilege?: NonNullable<Manifest['privilege']>;
  readonly user?: string;
  readonly network: NetworkPolicy;
  readonly resources?: ResourceRequest;
  readonly ports?: readonly number[];
  readonly mounts: readonly MountRequest[];
  readonly setup: readonly (string | readonly [string, ...string[]])[];
}
