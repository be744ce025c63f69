import { z } from 'zod';
import { SandboxError } from '../errors/sandbox-error.ts';

/**
 * Names one sandbox, for any process and any time. Plain JSON that holds no credential, no URL and
 * nothing to load, so it may be stored and sent; `parseRef` checks one that comes back.
 */
export interface SandboxRef {
  readonly spec: 'gantry-ref/1';
  /** The provider's id, for example `local`. */
  readonly provider: string;
  /** The provider's own identifier of the sandbox. */
  readonly id: string;
}

const refSchema: z.ZodType<SandboxRef> = z.strictObject({
  spec: z.literal('gantry-ref/1'),
  provider: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  // No `/` and no leading dot: drivers may use an id as a file name.
  id: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}$/),
});

/**
 * Checks an untrusted value, or JSON text, and returns it as a ref.
 * Throws `invalid-argument` that names what is wrong with it.
 */
export function parseRef(value: unknown): SandboxRef {
  const result = refSchema.safeParse(typeof value === 'string' ? parseJson(value) : value);
  if (result.success) return result.data;
  throw new SandboxError(
    'invalid-argument',
    `not a sandbox ref: ${z.prettifyError(result.error)}`,
    {
      operation: 'parseRef',
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SandboxError('invalid-argument', 'not a sandbox ref: the text is not JSON', {
      operation: 'parseRef',
      cause,
    });
  }
}
