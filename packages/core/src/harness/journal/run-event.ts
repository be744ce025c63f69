import { z } from 'zod';
import { SandboxError } from '../../errors/sandbox-error.ts';

/** A value that survives JSON unchanged. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

const eventTypes = [
  'run.created',
  'run.claimed',
  'run.suspended',
  'run.finished',
  'run.failed',
  'run.erased',
  'sandbox.creating',
  'sandbox.created',
  'sandbox.attached',
  'sandbox.destroyed',
  'step.started',
  'step.recorded',
  'step.failed',
  'checkpoint',
  'rollback',
  'decision',
  'command',
  'file.change',
  'tool.call',
  'artifact',
  'branch.started',
  'branch.recorded',
  'branch.failed',
  'policy.asked',
  'policy.answered',
  'policy.denied',
] as const;

/** What can happen in a run. */
export type RunEventType = (typeof eventTypes)[number];

/** What an event says of itself; the rest is added when it is written. */
export interface EventFacts {
  readonly type: RunEventType;
  /** Who caused it, where it was not the harness itself. */
  readonly actor?: string;
  /** Which branch, as `STEP/INDEX`; absent for the run itself. */
  readonly scope?: string;
  readonly step?: string;
  /** The place of the step in its scope, from 0. */
  readonly ordinal?: number;
  /** From 1. */
  readonly attempt?: number;
  /** `PROVIDER/ID`. */
  readonly sandbox?: string;
  readonly manifest?: string;
  /** Digest of the workspace's contents before and after, where known. */
  readonly before?: string;
  readonly after?: string;
  readonly snapshot?: string;
  /** Keyed digests of what went in and what came out. */
  readonly inputs?: string;
  readonly outputs?: string;
  /** Small facts in plain text: they stay when the run is erased. */
  readonly facts?: Readonly<Record<string, Json>>;
}

/** One thing that happened in a run. Its body, where it has one, is stored apart. */
export interface RunEvent extends EventFacts {
  readonly spec: 'gantry-event/1';
  readonly run: string;
  readonly sequence: number;
  /** Milliseconds since the Unix epoch, by the writer's clock. */
  readonly time: number;
  readonly epoch: number;
  readonly actor: string;
  /** SHA-256 and length of the encrypted body. */
  readonly body?: { readonly sha256: string; readonly bytes: number };
}

/** One of an event's small facts as text; `otherwise` where it has none. */
export function textFact({ facts }: EventFacts, name: string, otherwise: string): string {
  const fact = facts?.[name];
  return typeof fact === 'string' ? fact : otherwise;
}

const text = z.string().max(1000);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

const eventSchema: z.ZodType<RunEvent> = z.strictObject({
  spec: z.literal('gantry-event/1'),
  run: text,
  sequence: count,
  time: z.number(),
  epoch: count,
  actor: text,
  type: z.enum(eventTypes),
  scope: text.exactOptional(),
  step: text.exactOptional(),
  ordinal: count.exactOptional(),
  attempt: count.exactOptional(),
  sandbox: text.exactOptional(),
  manifest: text.exactOptional(),
  before: text.exactOptional(),
  after: text.exactOptional(),
  snapshot: text.exactOptional(),
  inputs: digest.exactOptional(),
  outputs: digest.exactOptional(),
  facts: z.record(z.string(), z.json()).exactOptional(),
  body: z.strictObject({ sha256: digest, bytes: count }).exactOptional(),
});

/** Checks the stored text of an event. Rejects with `data-loss` what is none of this run's at this place. */
export function parseEvent(stored: string, run: string, sequence: number): RunEvent {
  const fail = (what: string, cause?: unknown): SandboxError =>
    new SandboxError('data-loss', `event ${sequence} of run ${run} ${what}`, {
      operation: 'journal.read',
      details: { run, sequence },
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(stored);
  } catch (cause) {
    throw fail('is not JSON', cause);
  }
  const result = eventSchema.safeParse(value);
  if (!result.success) throw fail(`is no event: ${z.prettifyError(result.error)}`);
  if (result.data.run !== run || result.data.sequence !== sequence) {
    throw fail(`says that it is event ${result.data.sequence} of run ${result.data.run}`);
  }
  return result.data;
}
