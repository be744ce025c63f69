import type { Command, SandboxErrorCode } from '@gantry/core/driver';
import type { ProcessIdentity } from '@gantry/core/node';
import { z } from 'zod';
import { identitySchema } from '../identity-schema.ts';

/** What a recorder is to run. `stdin` is base64; absent means no input. */
export interface RecorderRequest extends Pick<Command, 'argv' | 'cwd' | 'env'> {
  /** The first process of the sandbox. */
  readonly main: ProcessIdentity;
  readonly stdin?: string | undefined;
}

/** Whether the process has started. */
export type RecorderAnswer =
  | { readonly pid: number }
  | {
      readonly error: {
        readonly code: SandboxErrorCode;
        readonly message: string;
        readonly outcome?: 'not-started' | 'unknown' | 'completed' | undefined;
        readonly details?: Readonly<Record<string, unknown>> | undefined;
      };
    };

const requestSchema: z.ZodType<RecorderRequest> = z.strictObject({
  argv: z.tuple([z.string()], z.string()),
  cwd: z.string(),
  main: identitySchema,
  env: z.record(z.string(), z.string()),
  stdin: z.base64().optional(),
});

const answerSchema: z.ZodType<RecorderAnswer> = z.union([
  z.strictObject({ pid: z.int() }),
  z.strictObject({
    error: z.strictObject({
      code: z.custom<SandboxErrorCode>((value) => typeof value === 'string'),
      message: z.string(),
      outcome: z.enum(['not-started', 'unknown', 'completed']).optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);

/** Reads a request, a line of JSON. */
export function parseRequest(line: string): RecorderRequest {
  return requestSchema.parse(JSON.parse(line));
}

/** Reads an answer, a line of JSON. */
export function parseAnswer(line: string): RecorderAnswer {
  return answerSchema.parse(JSON.parse(line));
}
