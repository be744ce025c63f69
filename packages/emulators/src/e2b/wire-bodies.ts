import { z } from 'zod';
import { jsonBody } from '../chassis/json-body.ts';
import { ApiError } from './api-error.ts';

/** How far a sandbox reaches, as the vendor says it. */
export interface NetworkConfig {
  readonly allowOut?: string[] | undefined;
  readonly denyOut?: string[] | undefined;
  readonly allowPublicTraffic?: boolean | undefined;
  /** By host: the headers that are set in requests to it. */
  readonly rules?:
    | Record<string, { transform?: { headers?: Record<string, string> | undefined } | undefined }[]>
    | undefined;
  readonly egressProxy?: unknown;
  readonly allow_internet_access?: boolean | undefined;
}

/** The body of a create. */
export interface NewSandbox {
  readonly templateID: string;
  /** Seconds. */
  readonly timeout?: number | undefined;
  readonly metadata?: Record<string, string> | undefined;
  readonly envVars?: Record<string, string> | undefined;
  readonly allow_internet_access?: boolean | undefined;
  readonly network?: NetworkConfig | undefined;
  readonly autoPause?: boolean | undefined;
  readonly autoPauseMemory?: boolean | undefined;
  readonly autoResume?: { enabled: boolean } | undefined;
  readonly volumeMounts?: { name: string; path: string }[] | undefined;
}

interface Bodies {
  readonly newSandbox: NewSandbox;
  readonly network: NetworkConfig;
  readonly timeout: { readonly timeout: number };
  readonly pause: { readonly memory?: boolean | undefined };
  readonly snapshot: { readonly name?: string | undefined };
  readonly volume: { readonly name: string };
  readonly volumeMetadata: {
    readonly mode?: number | undefined;
    readonly uid?: number | undefined;
    readonly gid?: number | undefined;
  };
  readonly fork: { readonly count?: number | undefined; readonly timeout?: number | undefined };
  readonly connect: {
    readonly timeout?: number | undefined;
    readonly memory?: boolean | undefined;
  };
}

const texts = z.record(z.string(), z.string());
const seconds = z.number().int().min(0).max(86_400);
const flag = z.boolean().optional();

const network = z.object({
  allowOut: z.array(z.string()).optional(),
  denyOut: z.array(z.string()).optional(),
  allowPublicTraffic: flag,
  rules: z
    .record(
      z.string(),
      z.array(z.object({ transform: z.object({ headers: texts.optional() }).optional() })),
    )
    .optional(),
  egressProxy: z.unknown().optional(),
  allow_internet_access: flag,
});

const bodies: { readonly [Name in keyof Bodies]: z.ZodType<Bodies[Name]> } = {
  newSandbox: z.object({
    templateID: z.string(),
    timeout: seconds.optional(),
    metadata: texts.optional(),
    envVars: texts.optional(),
    allow_internet_access: flag,
    network: network.optional(),
    autoPause: flag,
    autoPauseMemory: flag,
    autoResume: z.object({ enabled: z.boolean() }).optional(),
    volumeMounts: z.array(z.object({ name: z.string(), path: z.string() })).optional(),
  }),
  network,
  timeout: z.object({ timeout: seconds }),
  pause: z.object({ memory: flag }),
  volume: z.object({ name: z.string().regex(/^[a-zA-Z0-9_-]+$/) }),
  volumeMetadata: z.object({
    mode: z.number().int().min(0).max(0o7777).optional(),
    uid: z.number().int().optional(),
    gid: z.number().int().optional(),
  }),
  snapshot: z.object({
    name: z
      .string()
      .regex(/^[a-z0-9-_]+$/)
      .optional(),
  }),
  fork: z.object({
    count: z.number().int().min(1).max(100).optional(),
    timeout: seconds.optional(),
  }),
  connect: z.object({ timeout: seconds.optional(), memory: flag }),
};

/** Checks the JSON body of a request; an empty one reads as `{}`. Throws the vendor's 400. */
export function readBody<Name extends keyof Bodies>(
  request: { text(): Promise<string> },
  name: Name,
): Promise<Bodies[Name]> {
  return jsonBody(
    request,
    bodies[name],
    (problem) => new ApiError(400, `Error when parsing request: ${problem}`),
  );
}
