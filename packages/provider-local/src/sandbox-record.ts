import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CreateRequest, MountRequest, SuspendMode } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { z } from 'zod';
import { badRecord, isErrno } from './errors.ts';
import { identitySchema } from './identity-schema.ts';
import type { CgroupDirectory } from './limits/find-cgroups.ts';
import type { SandboxLimits } from './limits/plan-limits.ts';

/** Layers that the workspaces of related sandboxes share. Nobody writes to them. */
export interface WorkspaceLayers {
  /** The directory of them all, which has the uid of their files. */
  readonly family: string;
  /** The topmost first. */
  readonly names: readonly string[];
}

/** The record of a sandbox that has a first process. */
export type RunningRecord = SandboxRecord & { readonly main: ProcessIdentity };

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
  readonly root: 'read-only' | 'copy-on-write';
  /** The uid that the sandbox runs under, where it has one of its own. */
  readonly uid?: number;
  /** The process that ends the sandbox at the end of its lifetime. */
  readonly keeper?: ProcessIdentity;
  /** The keeper's child that waits for that time. It ends with the keeper, unless that is killed. */
  readonly timer?: ProcessIdentity;
  readonly limits?: SandboxLimits;
  /** Made with the sandbox, and removed with it. */
  readonly cgroups?: readonly CgroupDirectory[];
  /** What the workspace is copied on write from. Absent: it is a directory of the sandbox's own. */
  readonly layers?: WorkspaceLayers;
  /** What the sandbox is started on again after it was suspended to disk. */
  readonly rebuild?: { readonly rootfs?: string; readonly mounts: readonly MountRequest[] };
  readonly suspended?: {
    readonly mode: SuspendMode;
    /** By host id, the processes that the guest had stopped itself. */
    readonly stopped: readonly number[];
  };
}

const texts = z.record(z.string(), z.string());

const count = z.number().min(0);

const limits = z.strictObject({
  pids: count,
  memoryBytes: count.optional(),
  processMemoryBytes: count.optional(),
  cpus: count.optional(),
  diskBytes: count.optional(),
});

const cgroup = z.strictObject({
  // Directories are made and removed by this name, so nothing else may have it.
  path: z.string().regex(/^\/.*\/gantry-[a-z0-9-]+$/),
  version: z.union([z.literal(1), z.literal(2)]),
  controls: z.array(z.enum(['memory', 'pids', 'cpu', 'cpuacct', 'freeze'])),
});

const mount = z.strictObject({
  ...{
    kind: z.literal('hostMount'),
    source: z.string(),
    target: z.string(),
    writable: z.boolean(),
  },
});

const layerName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/);
const layers = z.strictObject({ family: layerName, names: z.array(layerName).min(1) });

const schema = z.strictObject({
  spec: z.literal('gantry-local/1'),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,199}$/),
  isolation: z.enum(['process', 'none']),
  createdAt: z.int().min(0),
  expiresAt: z.int().min(0),
  labels: texts,
  env: texts,
  creator: identitySchema,
  root: z.enum(['read-only', 'copy-on-write']).default('read-only'),
  main: identitySchema.optional(),
  uid: z.int().min(1).optional(),
  keeper: identitySchema.optional(),
  timer: identitySchema.optional(),
  limits: limits.optional(),
  cgroups: z.array(cgroup).optional(),
  layers: layers.optional(),
  rebuild: z.strictObject({ rootfs: z.string().optional(), mounts: z.array(mount) }).optional(),
  suspended: z
    .strictObject({ mode: z.enum(['memory', 'disk']), stopped: z.array(z.int().min(2)) })
    .optional(),
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
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON has no undefined, so an optional key is there or not, as the type says
  return result.data as SandboxRecord;
}

/** Replaces the record in a file, at once. Readable by its owner only: labels and env are the user's. */
export function writeRecord(file: string, record: SandboxRecord): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The record of a sandbox that this process begins to make. */
export function newRecord(
  request: Pick<CreateRequest, 'id' | 'labels' | 'env' | 'maxLifetimeMs' | 'root'>,
  isolation: SandboxRecord['isolation'],
): SandboxRecord {
  const creator = hostProcess.ownIdentity();
  const createdAt = Date.now();
  return {
    spec: 'gantry-local/1',
    ...{ id: request.id, isolation, createdAt, creator },
    root: request.root ?? 'read-only',
    expiresAt: createdAt + Math.ceil(request.maxLifetimeMs),
    ...{ labels: request.labels, env: request.env },
  };
}

/** The record of a request that is given a sandbox which runs already: that sandbox, by the request's terms. */
export function takenRecord(request: CreateRequest, warm: SandboxRecord): SandboxRecord {
  const { id, createdAt: _at, expiresAt: _end, labels: _labels, env: _env, ...rest } = warm;
  return { ...newRecord({ ...request, id }, 'process'), ...rest };
}
