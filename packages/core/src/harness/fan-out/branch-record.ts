import { z } from 'zod';
import type { Json } from '../journal/run-event.ts';
import { errorOf } from '../run/step-error.ts';
import type { BranchResult } from './fan-out-types.ts';

/** What the journal keeps of a branch. */
export type BranchRecord =
  | {
      readonly status: 'fulfilled';
      readonly index: number;
      readonly attempts: number;
      readonly provider: string;
      readonly value?: Json;
      readonly snapshot?: string;
      readonly tree?: string;
      readonly base?: string;
      readonly began?: string;
    }
  | {
      readonly status: 'rejected';
      readonly index: number;
      readonly attempts: number;
      readonly error: Json;
    };

const schema: z.ZodType<BranchRecord> = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('fulfilled'),
    index: z.number(),
    attempts: z.number(),
    provider: z.string(),
    value: z.json().exactOptional(),
    snapshot: z.string().exactOptional(),
    tree: z.string().exactOptional(),
    base: z.string().exactOptional(),
    began: z.string().exactOptional(),
  }),
  z.strictObject({
    status: z.literal('rejected'),
    index: z.number(),
    attempts: z.number(),
    error: z.json(),
  }),
]);

/** Checks what comes from the journal. */
export function parseBranchRecord(value: unknown): BranchRecord {
  return schema.parse(value);
}

/** A record as the run's function gets it. */
export function branchResult<Value>(record: BranchRecord, name: string): BranchResult<Value> {
  if (record.status === 'rejected') {
    const { index, attempts, error } = record;
    return { status: 'rejected', index, attempts, reason: errorOf(error, name) };
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a branch's type is its author's word
  return { ...record, value: record.value as Value };
}
