import { z } from 'zod';
import type { SignedHead } from './journal.ts';

/** What a signed head that comes from outside must look like. Whether it is good is its signature's matter. */
export const signedHeadSchema: z.ZodType<SignedHead> = z.strictObject({
  spec: z.literal('gantry-head/1'),
  run: z.string(),
  size: z.number(),
  hash: z.string(),
  time: z.number(),
  keyId: z.string(),
  signature: z.string(),
});
