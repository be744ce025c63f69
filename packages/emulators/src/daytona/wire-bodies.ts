import { z } from 'zod';
import { jsonBody } from '../chassis/json-body.ts';
import { ApiError } from './api-error.ts';

/** How far a sandbox reaches, as the vendor says it: blocks and domains in lists with commas. */
export interface NetworkSettings {
  readonly networkBlockAll?: boolean | undefined;
  readonly networkAllowList?: string | undefined;
  readonly domainAllowList?: string | undefined;
}

/** A volume in a sandbox. */
export interface MountedVolume {
  readonly volumeId: string;
  readonly mountPath: string;
  readonly subpath?: string | undefined;
}

/** The body of a create. Intervals are minutes, memory and disk GiB. */
export interface NewSandbox extends NetworkSettings {
  readonly name?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly user?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly labels?: Record<string, string> | undefined;
  readonly public?: boolean | undefined;
  readonly target?: string | undefined;
  readonly cpu?: number | undefined;
  readonly gpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
  readonly autoStopInterval?: number | undefined;
  readonly autoPauseInterval?: number | undefined;
  readonly autoArchiveInterval?: number | undefined;
  readonly autoDeleteInterval?: number | undefined;
  readonly ttlMinutes?: number | undefined;
  readonly volumes?: MountedVolume[] | undefined;
  readonly buildInfo?:
    | { dockerfileContent: string; contextHashes?: string[] | undefined }
    | undefined;
  readonly outboundProxyUrl?: string | undefined;
  readonly linkedSandbox?: string | undefined;
  readonly secrets?: Record<string, string>[] | undefined;
  readonly kvm?: boolean | undefined;
  readonly spot?: boolean | undefined;
}

/** A command for a sandbox's daemon. */
interface Execute {
  readonly cwd?: string | undefined;
  readonly envs?: Record<string, string> | undefined;
  /** Seconds; 0 is without end. */
  readonly timeout?: number | undefined;
}

/** Any call to a sandbox's git; which of these there are depends on the call. */
export interface GitBody {
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  readonly name?: string | undefined;
  readonly branch?: string | undefined;
  readonly initial_branch?: string | undefined;
  readonly commit_id?: string | undefined;
  readonly files?: string[] | undefined;
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  readonly email?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly remote?: string | undefined;
  readonly mode?: string | undefined;
  readonly target?: string | undefined;
  readonly source?: string | undefined;
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly scope?: 'global' | 'local' | 'system' | undefined;
  readonly depth?: number | undefined;
  readonly bare?: boolean | undefined;
  readonly staged?: boolean | undefined;
  readonly worktree?: boolean | undefined;
  readonly allow_empty?: boolean | undefined;
  readonly set_upstream?: boolean | undefined;
  readonly insecure_skip_tls?: boolean | undefined;
  readonly overwrite?: boolean | undefined;
  readonly fetch?: boolean | undefined;
}

interface Bodies {
  readonly git: GitBody;
  readonly newSandbox: NewSandbox;
  readonly network: NetworkSettings;
  readonly labels: { readonly labels: Record<string, string> };
  readonly name: { readonly name?: string | undefined };
  readonly newVolume: { readonly name: string };
  readonly newSnapshot: Pick<NewSandbox, 'buildInfo' | 'cpu' | 'memory' | 'disk'> & {
    readonly name: string;
    readonly imageName?: string | undefined;
    readonly entrypoint?: string[] | undefined;
  };
  readonly execute: Execute & { readonly command: string };
  readonly codeRun: Execute & {
    readonly code: string;
    readonly language: string;
    readonly argv?: string[] | undefined;
  };
  readonly newSession: { readonly sessionId: string };
  readonly sessionCommand: {
    readonly command: string;
    readonly runAsync?: boolean | undefined;
    readonly async?: boolean | undefined;
  };
  readonly input: { readonly data: string };
  readonly size: { readonly cols: number; readonly rows: number };
  readonly paths: { readonly paths: string[] };
  readonly replace: {
    readonly files: string[];
    readonly pattern: string;
    readonly newValue: string;
  };
  readonly env: {
    readonly set?: Record<string, string> | undefined;
    readonly unset?: string[] | undefined;
  };
}

const text = z.string();
const texts = z.record(z.string(), z.string());
const flag = z.boolean().optional();
const minutes = z.number().int().min(0).optional();
const amount = z.number().positive().optional();

const network = {
  networkBlockAll: flag,
  networkAllowList: text.optional(),
  domainAllowList: text.optional(),
};
const buildInfo = z.object({
  dockerfileContent: text,
  contextHashes: z.array(text).optional(),
});

const word = text.optional();
const gitBody = z.object({
  ...{ path: word, url: word, name: word, branch: word, initial_branch: word, commit_id: word },
  ...{ message: word, author: word, email: word, username: word, password: word, remote: word },
  ...{ mode: word, target: word, source: word, key: word, value: word },
  files: z.array(text).optional(),
  scope: z.enum(['global', 'local', 'system']).optional(),
  depth: z.number().int().min(1).optional(),
  ...{ bare: flag, staged: flag, worktree: flag, allow_empty: flag, set_upstream: flag },
  ...{ insecure_skip_tls: flag, overwrite: flag, fetch: flag },
});

const schemas: { readonly [Name in keyof Bodies]: z.ZodType<Bodies[Name]> } = {
  newSandbox: z.object({
    ...network,
    name: text.min(1).optional(),
    snapshot: text.optional(),
    user: text.optional(),
    env: texts.optional(),
    labels: texts.optional(),
    public: flag,
    target: text.optional(),
    cpu: amount,
    gpu: z.number().min(0).optional(),
    memory: amount,
    disk: amount,
    autoStopInterval: minutes,
    autoPauseInterval: minutes,
    autoArchiveInterval: minutes,
    autoDeleteInterval: z.number().int().min(-1).optional(),
    ttlMinutes: minutes,
    volumes: z
      .array(
        z.object({ volumeId: text, mountPath: text.startsWith('/'), subpath: text.optional() }),
      )
      .optional(),
    buildInfo: buildInfo.optional(),
    outboundProxyUrl: text.optional(),
    linkedSandbox: text.optional(),
    secrets: z.array(texts).optional(),
    kvm: flag,
    spot: flag,
  }),
  network: z.object(network),
  labels: z.object({ labels: texts }),
  name: z.object({ name: text.min(1).optional() }),
  newVolume: z.object({ name: text.min(1) }),
  newSnapshot: z.object({
    name: text.min(1),
    imageName: text.optional(),
    buildInfo: buildInfo.optional(),
    entrypoint: z.array(text).optional(),
    cpu: amount,
    memory: amount,
    disk: amount,
  }),
  execute: z.object({
    command: text,
    cwd: text.optional(),
    envs: texts.optional(),
    timeout: z.number().min(0).optional(),
  }),
  codeRun: z.object({
    code: text,
    language: text,
    argv: z.array(text).optional(),
    envs: texts.optional(),
    timeout: z.number().min(0).optional(),
  }),
  newSession: z.object({ sessionId: text.min(1) }),
  sessionCommand: z.object({ command: text.min(1), runAsync: flag, async: flag }),
  input: z.object({ data: text }),
  size: z.object({ cols: z.number().int().min(1), rows: z.number().int().min(1) }),
  paths: z.object({ paths: z.array(text).min(1) }),
  replace: z.object({ files: z.array(text), pattern: text, newValue: text }),
  git: gitBody,
  env: z.object({ set: texts.optional(), unset: z.array(text).optional() }),
};

/** Checks the JSON body of a request. Throws the vendor's 400. */
export function readBody<Name extends keyof Bodies>(
  request: { text(): Promise<string> },
  name: Name,
): Promise<Bodies[Name]> {
  return jsonBody(
    request,
    schemas[name],
    (problem) => new ApiError(400, `invalid request body: ${problem}`, 'INVALID_REQUEST_BODY'),
  );
}
