import { SandboxError } from '@gantry/core';
import type { Context } from 'hono';
import { z } from 'zod';

/** The JSON body of a request, checked. Rejects with `invalid-argument` that names what is wrong with it. */
export async function requestBody<Body>(context: Context, schema: z.ZodType<Body>): Promise<Body> {
  const text = await context.req.text();
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new SandboxError('invalid-argument', 'the body of the request is not JSON', { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new SandboxError(
    'invalid-argument',
    `the request is refused: ${z.prettifyError(result.error)}`,
  );
}
