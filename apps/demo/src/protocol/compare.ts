import type { ExitStatus } from '@gantry/core';
import type { SnapshotDifference } from '@gantry/core/snapshot';
import type { ErrorAnswer } from './errors.ts';
import { z } from 'zod';

/** What is done in a branch: a command runs, or an agent works on a task. */
type BranchWork = { readonly command: string } | { readonly task: string };

/** `POST /api/compare`. Answers `{id}` at once. */
export interface CompareRequest {
  readonly snapshot: string;
  readonly branches: readonly ({ readonly provider: string } & BranchWork)[];
}

const words = z.string().min(1).max(100_000);

export const compareRequest: z.ZodType<CompareRequest> = z.strictObject({
  snapshot: z.string(),
  branches: z
    .array(
      z.union([
        z.strictObject({ provider: z.string(), command: words }),
        z.strictObject({ provider: z.string(), task: words }),
      ]),
    )
    .min(1)
    .max(16),
});

/** Who the agents of comparisons are. */
export interface ModelView {
  /** As its vendor names it, or `scripted`. */
  readonly id: string;
  /** Absent where a script stands in for a model, since the server's environment has no key for one. */
  readonly vendor?: 'Anthropic' | 'OpenAI';
}

/** A turn of the model, or a call of a tool. Times are milliseconds since the comparison's start; no end: under way. */
export interface AgentStep {
  readonly kind: 'model' | 'tool';
  /** The tool's name; of the model, what it was asked for. */
  readonly name: string;
  readonly startedMs: number;
  readonly endedMs?: number;
  /** What went in, as text, the start of it. */
  readonly input?: string;
  /** What came out or was said, as text, the start and the end of it. */
  readonly output?: string;
  /** It answered that it did not work, or did not come to an end. */
  readonly failed?: boolean;
}

/** An agent in a branch. */
export interface AgentView {
  readonly model: ModelView;
  /** In their order, the latest where there are very many. */
  readonly steps: readonly AgentStep[];
  /** How many of them are not shown. */
  readonly earlier: number;
  /** How it ended; `max-turns`: it was not done when it had been asked that often. */
  readonly status?: 'finished' | 'max-turns' | 'refused';
  /** What the model said last. */
  readonly said?: string;
  readonly tokens?: number;
}

/** One branch. Times are milliseconds since the comparison's start; absent: not yet. */
export interface BranchView {
  readonly index: number;
  readonly provider: string;
  readonly emulated: boolean;
  /** One of the two is there. */
  readonly command?: string;
  readonly task?: string;
  /** Present once the agent has begun. */
  readonly agent?: AgentView;
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
  /** The sandbox began to be made, was ready, the command or agent ended, and the contents were compared. */
  readonly startedMs?: number;
  readonly readyMs?: number;
  readonly ranMs?: number;
  readonly comparedMs?: number;
  readonly exit?: ExitStatus;
  /** Its command or agent was ended by hand. What it had done by then was compared. */
  readonly stopped?: boolean;
  /** The end of the command's outputs, both as they came. */
  readonly output: string;
  readonly outputBytes: number;
  /** The snapshot of the branch after its work, and what is not as in the comparison's snapshot. */
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

/** `POST /api/compare/:id/keep`: this branch's sandbox stays, the others' end. `POST /api/compare/:id/stop`: its work is ended. */
export interface BranchRequest {
  readonly branch: number;
}

export const branchRequest: z.ZodType<BranchRequest> = z.strictObject({
  branch: z.number().int().min(0),
});
