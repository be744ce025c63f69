import { SandboxError } from '@gantry/core';

/** Says `not found` in the way that the SDK tells a missing path by: the code of Node's errors. */
class MissingPathError extends Error {
  override readonly name = 'MissingPathError';
  readonly code = 'ENOENT';
}

/** Does it, and says a confirmed absence in the SDK's way. */
export async function tellingMissing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!SandboxError.is(error) || error.code !== 'not-found') throw error;
    throw new MissingPathError(`${what} not found`, { cause: error });
  }
}
