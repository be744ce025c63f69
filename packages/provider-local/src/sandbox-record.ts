import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CreateRequest } from '@gantry/core/driver';
import { ownIdentity, type ProcessIdentity } from '@gantry/core/node';
import { z } from 'zod';
import { badRecord, isErrno } from './errors.ts';

/** What is known of a sandbox, in any process, from the file `record.json` in its directory. */
export interface SandboxRecord {
  readonly spec: 'gantry-local/1';
  readonly id: string;
  readonly isolation: 'process' | 'none';
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** Who makes it: while `main` is absent, the sandbox is as alive as this process. */
  readonly creator: ProcessIdentity;
  /** The process whose end is the sandbox's end. Present once the sandbox runs. */
  readonly main?: ProcessIdentity;
  /** The uid that the sandbox runs under, where it has one of its own. */
  readonly uid?: number;
  /** The process that ends the sandbox at the end of its lifetime. */
  readonly keeper?: ProcessIdentity;
}

const identity: z.ZodType<ProcessIdentity> = z.strictObject({
  // 0 and 1 are never ours, and as arguments of kill they mean something else.
  pid: z
    .int()
    .min(2)
    .max(2 ** 31 - 1),
  startTime: z.string().min(1).max(100),
  bootId: z.string().min(1).max(100),
});

const texts = z.record(z.string(), z.string());

const schema = z.strictObject({
  spec: z.literal('gantry-local/1'),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,199}$/),
  isolation: z.enum(['process', 'none']),
  createdAt: z.int().min(0),
  expiresAt: z.int().min(0),
  labels: texts,
  env: texts,
  creator: identity,
  main: identity.optional(),
  uid: z.int().min(1).optional(),
  keeper: identity.optional(),
});

/** The record in a file; `undefined` when there is no such file. Throws `data-loss` for anything else. */
export function readRecord(file: string, id: string): SandboxRecord | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw badRecord(file, 'it cannot be read', error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRecord(file, 'it is not JSON', error);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw badRecord(file, z.prettifyError(result.error));
  if (result.data.id !== id) throw badRecord(file, `it is of a sandbox ${result.data.id}`);
  const { main, keeper, uid, ...rest } = result.data;
  return {
    ...rest,
    ...(main === undefined ? {} : { main }),
    ...(keeper === undefined ? {} : { keeper }),
    ...(uid === undefined ? {} : { uid }),
  };
}

/** Replaces the record in a file, at once. Readable by its owner only: labels and env are the user's. */
export function writeRecord(file: string, record: SandboxRecord): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The record of a sandbox that this process begins to make. */
export function newRecord(
  request: Pick<CreateRequest, 'id' | 'labels' | 'env' | 'maxLifetimeMs'>,
  isolation: SandboxRecord['isolation'],
): SandboxRecord {
  const creator = ownIdentity();
  const createdAt = Date.now();
  return {
    spec: 'gantry-local/1',
    ...{ id: request.id, isolation, createdAt, creator },
    expiresAt: createdAt + Math.ceil(request.maxLifetimeMs),
    ...{ labels: request.labels, env: request.env },
  };
}
