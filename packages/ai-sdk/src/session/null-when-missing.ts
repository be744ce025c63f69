import { SandboxError } from '@gantry/core';

/** Does it; a confirmed absence is `null`, which is how the AI SDK says it. Anything else stays an error. */
export async function nullWhenMissing<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'not-found') return null;
    throw error;
  }
}
