import type { OperationOptions } from './call.ts';
import type { CreateOptions } from './provider.ts';
import type { NativeSnapshotRef } from './sandbox-driver.ts';
import type { SandboxRef } from './sandbox-ref.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/**
 * How a snapshot knows that an entry is as it was in its parent: the host read it again; the host read the layer that
 * holds all changes; or a listing that was made in the sandbox, by programs of the guest, says so.
 */
export type Evidence = 'bytes' | 'host-layer' | 'guest-metadata';

/** How much a snapshot holds. */
export interface SnapshotContents {
  /** Names of files; several names of one file count each. */
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  /** Bytes of all files; one with several names counts once. */
  readonly bytes: number;
}

/** What there is no place for in a snapshot. */
export type NotCaptured = 'processes' | 'memory' | 'ports' | 'mounts';

/** Something in the workspace that a snapshot leaves out, and says so. */
export interface SkippedEntry {
  /** Workspace-relative. Bytes that are not UTF-8 are written `\xNN`, a backslash `\\`. */
  readonly path: string;
  readonly type: 'fifo' | 'socket' | 'character-device' | 'block-device';
}

/** Immutable workspace contents in a store. Plain JSON; it holds no credential. Format: docs/snapshot-format.md. */
export interface Snapshot {
  readonly spec: 'gantry-snapshot/1';
  /** SHA-256 of the record as it is stored. */
  readonly id: string;
  /** The contents' digest: equal exactly when two workspaces are. With encryption it is keyed: compare within one key. */
  readonly tree: string;
  readonly index: string;
  readonly parent?: string;
  /** Digest of the manifest's plan that made the workspace, where there was one. */
  readonly plan?: string;
  /** Milliseconds since the Unix epoch, by the host's clock. */
  readonly takenAt: number;
  /** Of what it was taken. Absent: imported. */
  readonly source?: { readonly provider: string; readonly sandbox: string };
  readonly evidence: Evidence;
  readonly contents: SnapshotContents;
  readonly notCaptured: readonly NotCaptured[];
  readonly skipped: readonly SkippedEntry[];
  /** Paths of files that changed each time they were read: what is kept of them may mix two states. */
  readonly changing: readonly string[];
}

/** What taking a snapshot cost. Bytes. */
export interface SnapshotWork {
  /** Files whose contents were read. */
  readonly filesRead: number;
  /** Contents that were read. */
  readonly bytesRead: number;
  /** What was added to the store for contents, compressed. */
  readonly bytesStored: number;
  /** What was added to the store beside contents: tree nodes, index and record. */
  readonly metadataBytes: number;
}

/** A snapshot just taken, and what it cost. */
export interface TakenSnapshot extends Snapshot {
  readonly work: SnapshotWork;
}

/** How far a long operation has got. */
export interface SnapshotProgress {
  readonly phase: 'looking' | 'reading' | 'writing' | 'checking';
  /** Bytes of contents so far. */
  readonly bytes: number;
  /** Entries so far. */
  readonly entries: number;
  /** Bytes of contents in all, where that is known. */
  readonly totalBytes?: number;
}

/** How a snapshot is taken. */
export interface SnapshotOptions extends OperationOptions {
  /** A snapshot in the same store: what did not change since then does not travel. */
  readonly parent?: Snapshot | string;
  /** `bytes` reads everything again, whatever the sandbox says. Default: the strongest that costs no full reading. */
  readonly evidence?: Evidence;
  /**
   * Values that must not be in the workspace, at least 8 bytes each. One that is found, as it is or as base64, hexadecimal,
   * percent-encoded or JSON-escaped, is refused with `failed-precondition`.
   */
  readonly secrets?: readonly (string | Uint8Array)[];
  /** Take the snapshot although a secret is in it. */
  readonly acknowledgeSecrets?: boolean;
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

/** How much a rehydrated workspace may hold; more is refused with `resource-exhausted` before anything is written. */
export interface RestoreLimits {
  /** Bytes of all files, holes of sparse ones included, default 64 GiB. */
  readonly maxBytes?: number;
  /** Default 4,000,000. */
  readonly maxEntries?: number;
}

/** How a sandbox is made of a snapshot. The manifest says what the sandbox needs; it must have no entries and no setup. */
export interface RehydrateOptions extends CreateOptions {
  readonly limits?: RestoreLimits;
  /**
   * A native snapshot of the same workspace, tried first where the provider has them. One that is gone, expired or turns out
   * different is left for the portable one, and the receipt says so.
   */
  readonly native?: NativeSnapshotRef;
  /** Reads the whole workspace back and compares its digest: another one is `data-loss`. Default false. */
  readonly verify?: boolean;
  /** Whether files keep set-user-ID, set-group-ID and sticky bits. Default false: they are taken off, and the receipt says how many. */
  readonly keepSpecialModes?: boolean;
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

/** What became of a native snapshot that could have been used. */
export type NativeOutcome = 'used' | 'gone' | 'expired' | 'different';

/** What a sandbox that was reached or made again has lost of what it was. `holes`: those of sparse files are zeros now, which take up disk. */
export type Loss =
  | 'processes'
  | 'memory'
  | 'workspace'
  | 'special-modes'
  | 'skipped-entries'
  | 'holes'
  | 'outside-workspace';

/** How a `Sandbox` object came to its sandbox. */
export interface SandboxOrigin {
  readonly spec: 'gantry-origin/1';
  /**
   * `created`: fresh. `reattached`: the same sandbox again. `rehydrated`: a new one with a snapshot's contents. `recreated`: a new
   * one from its manifest, since there was no snapshot. `forked`: a clone of another.
   */
  readonly how: 'created' | 'reattached' | 'rehydrated' | 'recreated' | 'forked';
  /** How it was done, for `rehydrated` and `forked`: the provider's own fork, its own snapshot, or this project's. */
  readonly by?: 'fork' | 'native-snapshot' | 'snapshot';
  /** The sandbox that it takes the place of, or is a clone of. */
  readonly of?: SandboxRef;
  /** The snapshot's id, and the digest of its contents. */
  readonly snapshot?: string;
  readonly tree?: string;
  /** Present where a native snapshot was offered. */
  readonly native?: NativeOutcome;
  /** True when the workspace was read back and had the snapshot's digest. */
  readonly verified?: boolean;
  readonly lost: readonly Loss[];
}

/** How `recover` may bring a sandbox back that is gone. Neither given: `not-found`. */
export interface RecoverOptions extends OperationOptions {
  /** Makes a new one with this snapshot's contents. */
  readonly rehydrate?: RehydrateOptions & {
    readonly snapshot: Snapshot | string;
    readonly store: SnapshotStore;
  };
  /** Makes a new one of this, which loses the workspace. */
  readonly recreate?: CreateOptions;
}

/** How clones are made. */
export interface ForkOptions extends OperationOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly maxLifetimeMs?: number;
  /** Where a snapshot may be kept if the provider has no faster way. Without it and without one: `unsupported`. */
  readonly store?: SnapshotStore;
}
