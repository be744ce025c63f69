import type { OperationOptions } from './call.ts';
import type { Capabilities } from './capabilities.ts';
import type { Manifest } from './manifest-types.ts';
import type {
  DriverWrapper,
  Finding,
  NativeSnapshotRef,
  SandboxStatus,
  SandboxSummary,
} from './sandbox-driver.ts';
import type { SandboxRef } from './sandbox-ref.ts';
import type { ApplyOptions, Sandbox } from './sandbox.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { RecoverOptions, RehydrateOptions, Snapshot } from './snapshot-types.ts';

/** What a new sandbox starts from. */
export interface CreateOptions extends ApplyOptions {
  /** What the workspace contains and what the sandbox needs. Default: an empty workspace, least rights. */
  readonly manifest?: Manifest;
  /** Added to the manifest's labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The sandbox ends by itself after this many milliseconds. Default: the manifest's, else one hour. */
  readonly maxLifetimeMs?: number;
}

/** What users pick: makes sandboxes of one kind and finds them again. */
export interface Provider {
  readonly id: string;
  /** What the driver declares; `probe` says what is left of it here. */
  readonly capabilities: Capabilities;
  /** Asks the host or account. Rejects with `failed-precondition`, and what to do, when nothing can run. */
  probe(options?: OperationOptions): Promise<Capabilities>;
  /** Each control or prerequisite of this provider, and whether this host or account has it. */
  diagnose(options?: OperationOptions): Promise<readonly Finding[]>;
  /** The same provider with something put around its driver: tracing, retries, faults. */
  wrap(wrapper: DriverWrapper): Provider;
  /**
   * A new sandbox, which the caller disposes. With a manifest, its contents are in place; if any part
   * fails, the sandbox is destroyed before the rejection.
   */
  create(options?: CreateOptions): Promise<Sandbox>;
  /** The same running sandbox again, from any process. `not-found` or `failed-precondition` otherwise. */
  connect(ref: SandboxRef, options?: OperationOptions): Promise<Sandbox>;
  /** The same suspended sandbox, woken. */
  resume(ref: SandboxRef, options?: OperationOptions): Promise<Sandbox>;
  /** A new sandbox from a native snapshot. */
  createFrom(snapshot: NativeSnapshotRef, options?: CreateOptions): Promise<Sandbox>;
  /**
   * A new sandbox with a snapshot's contents, each byte checked against its digest. `not-found` for a snapshot that is not in the
   * store, `data-loss`, naming the object, for one that is damaged. Whatever fails, no sandbox is left.
   */
  rehydrate(
    snapshot: Snapshot | string,
    store: SnapshotStore,
    options?: RehydrateOptions,
  ): Promise<Sandbox>;
  /** The same sandbox where it still is, else what `options` says in its place; its `origin` tells which. */
  recover(ref: SandboxRef, options?: RecoverOptions): Promise<Sandbox>;
  /** Frees a native snapshot. Idempotent. */
  removeNativeSnapshot(snapshot: NativeSnapshotRef, options?: OperationOptions): Promise<void>;
  inspect(ref: SandboxRef, options?: OperationOptions): Promise<SandboxStatus>;
  /** Idempotent. Resolves when the sandbox is gone. */
  destroy(ref: SandboxRef, options?: OperationOptions): Promise<void>;
  /** Every sandbox that carries all of `labels`. */
  list(
    options?: OperationOptions & { readonly labels?: Readonly<Record<string, string>> },
  ): AsyncIterable<SandboxSummary>;
}
