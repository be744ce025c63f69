import type { Traits } from './traits.ts';
import type { NetworkMode } from './network.ts';

/** What a sandbox keeps while it is suspended. */
export type SuspendMode = 'memory' | 'disk';

/** One kind of native snapshot that a provider offers. */
export interface NativeSnapshotKind {
  readonly scope: 'workspace' | 'filesystem' | 'filesystem+memory';
  /** False: taking it stops the sandbox it is taken of. */
  readonly sourceSurvives: boolean;
  /** Milliseconds until the provider deletes it by itself. Absent: it keeps it. */
  readonly expiresAfterMs?: number;
}

/**
 * The declared limits of each optional capability. A driver's capability object carries these
 * fields beside its functions; consumers see them, functions left out, as `Capabilities`.
 */
export interface CapabilityLimits {
  readonly files: object;
  readonly archive: object;
  readonly changes: { readonly evidence: 'host-layer' | 'guest-metadata' };
  readonly inventory: object;
  readonly processes: { readonly attach: boolean };
  readonly terminal: { readonly resize: boolean };
  readonly ports: { readonly maxOpen?: number };
  readonly suspend: { readonly modes: readonly SuspendMode[] };
  readonly nativeSnapshot: { readonly kinds: readonly NativeSnapshotKind[] };
  readonly fork: { readonly maxPerCall: number; readonly from: 'live' | 'last-snapshot' };
  readonly network: {
    readonly modes: readonly NetworkMode[];
    readonly live: boolean;
    /** Whether an allow-list may have rules for requests. Default false. */
    readonly requests?: boolean;
    /** Whether a recorder can be told what the sandbox tries to reach. Default false. */
    readonly recorded?: boolean;
  };
  /**
   * How a secret may get into requests: in place of its placeholder, or set in a header or the query. Where `placeholder` is
   * missing, a vendor sets it who was told the value, at hosts of an allow-list: then nothing that a host repeats is masked, no use is
   * recorded, and a value holds until the next `setNetwork`, `connect` or `resume`.
   */
  readonly secrets: { readonly inject: readonly ('placeholder' | 'header' | 'query')[] };
  readonly mounts: {
    readonly kinds: readonly ('hostMount' | 's3' | 'gcs' | 'r2' | 'azureBlob')[];
  };
  readonly watch: { readonly recursive: boolean };
  readonly users: object;
  readonly resources: {
    /** Which of a request's resources can be set. Whether they hold is `traits.limits`. */
    readonly settable: readonly ('cpus' | 'memoryBytes' | 'pids' | 'diskBytes')[];
  };
  readonly metrics: object;
  readonly lifetime: { readonly maxMs?: number };
  readonly root: { readonly modes: readonly ('read-only' | 'copy-on-write')[] };
  readonly privilege: { readonly modes: readonly ('none' | 'guest-root')[] };
  readonly images: object;
}

/** The name of an optional capability. */
export type CapabilityName = keyof CapabilityLimits;

/** What a provider, or one sandbox, can do: plain JSON, derived from the driver, never declared twice. */
export type Capabilities = {
  /** Absent: the operation throws `unsupported`. Present: it works, within these limits. */
  readonly [Name in CapabilityName]?: CapabilityLimits[Name];
} & { readonly traits: Traits };

/**
 * What a host, an account or one sandbox takes away: `false` removes a capability, of a limits object
 * the intersection with the declared limits holds. An override never adds anything.
 */
export type CapabilityOverrides = {
  readonly [Name in CapabilityName]?: false | Partial<CapabilityLimits[Name]>;
} & { readonly limits?: Partial<Traits['limits']> };
