import type { SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { SandboxError } from '../../errors/sandbox-error.ts';
import type { JournalEntry, RunSummary, SignedHead } from './journal.ts';
import { signedHeadSchema } from './signed-head.ts';

type Row = Record<string, SQLOutputValue>;

const runRow = z.object({
  run: z.string(),
  name: z.string(),
  created_at: z.number(),
  status: z.enum(['running', 'suspended', 'finished', 'failed', 'erased']),
  size: z.number(),
  hash: z.string(),
  epoch: z.number(),
  owner: z.string().nullable(),
  expires_at: z.number().nullable(),
});

/** A row of `runs`. The epoch of an unclaimed run is kept in the row only. */
export function runOf(row: Row): RunSummary & { readonly epoch: number } {
  const found = checked(runRow, row, 'runs');
  const { run, name, created_at: createdAt, status, size, hash, epoch, owner } = found;
  return {
    run,
    name,
    createdAt,
    status,
    head: { size, hash },
    epoch,
    ...(owner === null || found.expires_at === null
      ? {}
      : { claim: { epoch, owner, expiresAt: found.expires_at } }),
  };
}

/** A row of `events`, joined with its body or not. */
export function entryOf(row: Row): JournalEntry {
  const { sequence, text, hash, bytes } = row;
  if (typeof sequence !== 'number' || typeof text !== 'string' || typeof hash !== 'string') {
    throw broken('events', 'a column has another type');
  }
  return { sequence, text, hash, ...(bytes instanceof Uint8Array ? { body: bytes } : {}) };
}

/** A row of `heads`. */
export function headOf(row: Row): SignedHead {
  try {
    return checked(signedHeadSchema, JSON.parse(String(row['text'])), 'heads');
  } catch (cause) {
    if (SandboxError.is(cause)) throw cause;
    throw broken('heads', 'the text is not JSON', cause);
  }
}

function checked<Value>(schema: z.ZodType<Value>, value: unknown, table: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw broken(table, z.prettifyError(result.error));
}

function broken(table: string, what: string, cause?: unknown): SandboxError {
  return new SandboxError('data-loss', `the journal's table ${table} is damaged: ${what}`, {
    operation: 'journal.read',
    cause,
  });
}
