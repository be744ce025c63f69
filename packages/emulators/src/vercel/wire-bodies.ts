import { z } from 'zod';
import { jsonBody } from '../chassis/json-body.ts';
import { badRequest } from './api-error.ts';

/** What is done to requests to one domain. */
interface PolicyRule {
  readonly match?: unknown;
  readonly transform?: { headers?: Record<string, string> | undefined }[] | undefined;
  readonly forwardURL?: string | undefined;
  readonly response?: unknown;
}

/** What may be reached, as clients say it. */
export type PolicyRequest =
  | { readonly mode: 'allow-all' | 'deny-all' }
  | {
      readonly allow?: string[] | Record<string, PolicyRule[]> | undefined;
      readonly subnets?: { allow?: string[] | undefined; deny?: string[] | undefined } | undefined;
    };

/** How many snapshots of a sandbox are kept, and what becomes of the others. */
interface KeepLastSnapshots {
  readonly count: number;
  readonly expiration?: number | undefined;
  readonly deleteEvicted?: boolean | undefined;
}

/** A drive in a sandbox. */
interface Mount {
  readonly drive: string;
  readonly mode?: 'read-write' | 'snapshot' | undefined;
}

/** What a create, a fork and an update can say. Times are milliseconds. */
interface Settings {
  readonly ports?: number[] | undefined;
  readonly timeout?: number | undefined;
  readonly resources?: { vcpus: number; memory?: number | undefined } | undefined;
  readonly persistent?: boolean | undefined;
  readonly networkPolicy?: PolicyRequest | undefined;
  readonly networkId?: string | undefined;
  readonly tags?: Record<string, string> | undefined;
  readonly snapshotExpiration?: number | undefined;
  readonly region?: string | undefined;
  readonly failoverRegions?: string[] | undefined;
}

/** What a fork says beside its source. */
export interface ForkRequest extends Settings {
  readonly name?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly image?: string | undefined;
  readonly keepLastSnapshots?: KeepLastSnapshots | undefined;
}

/** What a sandbox is asked to be. */
export interface NewSandbox extends ForkRequest {
  readonly mounts?: Record<string, Mount> | undefined;
  readonly runtime?: string | undefined;
  readonly source?:
    | { type: 'snapshot'; snapshotId: string }
    | { type: 'git' | 'tarball'; url: string }
    | undefined;
}

/** What is changed of a sandbox. */
export interface SandboxUpdate extends Settings {
  readonly keepLastSnapshots?: KeepLastSnapshots | null | undefined;
  readonly currentSnapshotId?: string | undefined;
  readonly mounts?: Record<string, Mount> | undefined;
}

/** What a session is asked to run. */
export interface CommandRequest {
  readonly command: string;
  readonly args: string[];
  readonly cwd?: string | undefined;
  readonly env: Record<string, string>;
  readonly sudo: boolean;
  readonly timeout?: number | undefined;
  readonly wait: boolean;
  readonly logs: boolean;
}

interface Bodies {
  newSandbox: NewSandbox;
  fork: ForkRequest;
  update: SandboxUpdate;
  command: CommandRequest;
  kill: { signal: number };
  path: { path: string; cwd?: string | undefined };
  duration: { duration: number };
  snapshot: { expiration?: number | undefined };
  networkPolicy: PolicyRequest;
  drive: { region?: string | undefined; maxSizeBytes?: number | undefined };
}

const text = z.record(z.string(), z.string());
const rule = z.looseObject({
  match: z.unknown().optional(),
  transform: z.array(z.object({ headers: text.optional() })).optional(),
  forwardURL: z.string().optional(),
  response: z.unknown().optional(),
});
const policy = z.union([
  z.object({ mode: z.enum(['allow-all', 'deny-all']) }),
  z.object({
    allow: z.union([z.array(z.string()), z.record(z.string(), z.array(rule))]).optional(),
    subnets: z
      .object({ allow: z.array(z.string()).optional(), deny: z.array(z.string()).optional() })
      .optional(),
  }),
]);
const port = z.int().min(1).max(65_535);
/** Milliseconds; the vendor's longest session is a day. */
const timeout = z.int().min(1).max(86_400_000);
const keepLast = z.object({
  count: z.int().min(1).max(10),
  expiration: z.number().optional(),
  deleteEvicted: z.boolean().optional(),
});
const mount = z.object({ drive: z.string(), mode: z.enum(['read-write', 'snapshot']).optional() });
/** What a create, a fork and an update can say. */
const settings = {
  ports: z.array(port).max(15).optional(),
  timeout: timeout.optional(),
  resources: z.object({ vcpus: z.int().min(1).max(32), memory: z.number().optional() }).optional(),
  persistent: z.boolean().optional(),
  networkPolicy: policy.optional(),
  networkId: z.string().optional(),
  tags: text.refine((tags) => Object.keys(tags).length <= 5, 'there are at most 5 tags').optional(),
  snapshotExpiration: z.number().min(0).optional(),
  region: z.string().optional(),
  failoverRegions: z.array(z.string()).optional(),
};
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
const fresh = { ...settings, name: name.optional(), env: text.optional() };
const source = z.union([
  z.object({ type: z.literal('snapshot'), snapshotId: z.string() }),
  z.object({ type: z.enum(['git', 'tarball']), url: z.string() }),
]);
const newSandbox = z.object({
  ...fresh,
  keepLastSnapshots: keepLast.optional(),
  mounts: z.record(z.string(), mount).optional(),
  runtime: z.string().optional(),
  image: z.string().optional(),
  source: source.optional(),
});

const bodies: { readonly [Name in keyof Bodies]: z.ZodType<Bodies[Name]> } = {
  newSandbox,
  fork: z.object({
    ...fresh,
    keepLastSnapshots: keepLast.optional(),
    image: z.string().optional(),
  }),
  update: z.object({
    ...settings,
    keepLastSnapshots: keepLast.nullable().optional(),
    currentSnapshotId: z.string().optional(),
    mounts: z.record(z.string(), mount).optional(),
  }),
  command: z.object({
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    cwd: z.string().optional(),
    env: text.default({}),
    sudo: z.boolean().default(false),
    timeout: z.number().positive().optional(),
    wait: z.boolean().default(false),
    logs: z.boolean().default(false),
  }),
  kill: z.object({ signal: z.int().min(1).max(64) }),
  path: z.object({ path: z.string().min(1), cwd: z.string().optional() }),
  duration: z.object({ duration: z.number().positive() }),
  snapshot: z.object({ expiration: z.number().min(0).optional() }),
  networkPolicy: policy,
  drive: z.object({ region: z.string().optional(), maxSizeBytes: z.number().optional() }),
};

/** The checked body of a request. Throws the vendor's 400. */
export function readBody<Name extends keyof Bodies>(
  request: { text(): Promise<string> },
  kind: Name,
): Promise<Bodies[Name]> {
  return jsonBody<Bodies[Name]>(request, bodies[kind], badRequest);
}

/** The first frame of a terminal's connection, and a later one. */
export const terminalFrame: z.ZodType<
  | {
      type: 'start';
      command: string;
      args: string[];
      env: string[];
      cwd?: string | undefined;
      cols: number;
      rows: number;
    }
  | { type: 'resize'; cols: number; rows: number }
> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start'),
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    env: z.array(z.string()).default([]),
    cwd: z.string().optional(),
    cols: z.int().min(1).max(1000).default(80),
    rows: z.int().min(1).max(1000).default(24),
  }),
  z.object({
    type: z.literal('resize'),
    cols: z.int().min(1).max(1000),
    rows: z.int().min(1).max(1000),
  }),
]);
