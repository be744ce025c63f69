import type { Snapshot } from '@gantry/core';
import type { SnapshotDifference } from '@gantry/core/snapshot';
import { z } from 'zod';

/** One snapshot, as `GET /api/snapshots` lists it: a tree by `parent`. */
export interface SnapshotView {
  readonly id: string;
  readonly parent?: string;
  /** Digest of the contents: equal exactly when two workspaces are. */
  readonly tree: string;
  /** Absent: imported. */
  readonly provider?: string;
  readonly emulated: boolean;
  /** `SandboxView.id` of what it was taken of; the sandbox may be gone. */
  readonly sandbox?: string;
  readonly sandboxName?: string;
  readonly name?: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Of all files. */
  readonly bytes: number;
  readonly files: number;
  /** What was added to the store for it. Absent where this server did not take it. */
  readonly bytesStored?: number;
  readonly record: Snapshot;
}

/** `POST /api/sandboxes/:id/snapshot`. Answers `OperationAnswer`; the `done` event has the id. */
export interface SnapshotRequest {
  readonly name?: string | undefined;
}

export const snapshotRequest: z.ZodType<SnapshotRequest> = z.strictObject({
  name: z.string().min(1).max(80).optional(),
});

/** `GET /api/snapshots/diff?a=&b=`. */
export interface DiffAnswer {
  readonly a: string;
  readonly b: string;
  readonly differences: readonly SnapshotDifference[];
  /** More differences than are told. */
  readonly truncated: boolean;
}

/** `GET /api/snapshots/:id/entries?path=`: a directory of a snapshot's contents. */
export interface SnapshotEntriesAnswer {
  readonly path: string;
  readonly entries: readonly {
    readonly name: string;
    readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
    readonly size?: number;
  }[];
}

/** `POST /api/snapshots/:id/verify?operation=`: progress events name that operation, where it is given. Every object that the snapshot needs was read and its digest compared. */
export interface VerifyAnswer {
  readonly ok: boolean;
  readonly objects: number;
  readonly bytes: number;
  readonly problems: readonly { readonly object: string; readonly message: string }[];
}

/** `POST /api/snapshots/:id/rehydrate`. Answers `OperationAnswer`; the `done` event has the sandbox. */
export interface RehydrateRequest {
  readonly provider: string;
  readonly name?: string | undefined;
}

export const rehydrateRequest: z.ZodType<RehydrateRequest> = z.strictObject({
  provider: z.string(),
  name: z.string().min(1).max(80).optional(),
});
