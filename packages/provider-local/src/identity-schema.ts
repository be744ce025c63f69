import type { ProcessIdentity } from '@gantry/core/node';
import { z } from 'zod';

/** The identity of a process as it is kept in files. */
export const identitySchema: z.ZodType<ProcessIdentity> = z.strictObject({
  // 0 and 1 are never ours, and as arguments of kill they mean something else.
  pid: z
    .int()
    .min(2)
    .max(2 ** 31 - 1),
  startTime: z.string().min(1).max(100),
  bootId: z.string().min(1).max(100),
});
