import type { ExitStatus } from '@gantry/core';
import type { SnapshotDifference } from '@gantry/core/snapshot';
import type { ErrorAnswer } from './errors.ts';
import { z } from 'zod';

/** `POST /api/compare`. Answers `{id}` at once. */
export interface CompareRequest {
  readonly snapshot: string;
  readonly branches: readonly { readonly provider: string; readonly command: string }[];
}

export const compareRequest: z.ZodType<CompareRequest> = z.strictObject({
  snapshot: z.string(),
  branches: z
    .array(z.strictObject({ provider: z.string(), command: z.string().min(1).max(100_000) }))
    .min(1)
    .max(16),
});

/** One branch. Times are milliseconds since the comparison's start; absent: not yet. */
export interface BranchView {
  readonly index: number;
  readonly provider: string;
  readonly emulated: boolean;
  readonly command: string;
  readonly state:
    | 'waiting'
    | 'making'
    | 'running'
    | 'looking'
    | 'done'
    | 'failed'
    | 'kept'
    | 'gone';
  /** How its sandbox was made: by the provider's own fork, its own snapshot, or from the portable snapshot. */
  readonly by?: 'fork' | 'native-snapshot' | 'snapshot';
  readonly sandbox?: string;
  /** The sandbox began to be made, was ready, the command ended, and its contents were compared. */
  readonly startedMs?: number;
  readonly readyMs?: number;
  readonly ranMs?: number;
  readonly comparedMs?: number;
  readonly exit?: ExitStatus;
  /** The end of the command's outputs, both as they came, 64 KiB at the most. */
  readonly output: string;
  readonly outputBytes: number;
  /** The snapshot of the branch after its command, and what is not as in the comparison's snapshot. */
  readonly snapshot?: string;
  readonly tree?: string;
  readonly differences?: readonly SnapshotDifference[];
  readonly differencesTruncated?: boolean;
  readonly error?: ErrorAnswer['error'];
}

/** One comparison: `GET /api/compare/:id`. */
export interface ComparisonView {
  readonly id: string;
  readonly snapshot: string;
  readonly state: 'running' | 'done' | 'stopped';
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly branches: readonly BranchView[];
  /** The branch that was kept. */
  readonly kept?: number;
}

/** `POST /api/compare/:id/keep`: this branch's sandbox stays, the others' end. */
export interface KeepRequest {
  readonly branch: number;
}

export const keepRequest: z.ZodType<KeepRequest> = z.strictObject({
  branch: z.number().int().min(0),
});
