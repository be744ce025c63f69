import { SandboxError } from '../../src/errors/sandbox-error.ts';

/** The `SandboxError` that the work ends with; anything else, success included, fails the test. */
export async function caught(work: () => unknown): Promise<SandboxError> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    if (SandboxError.is(error)) return error;
    throw error;
  }
  throw new Error(`expected a SandboxError, got ${JSON.stringify(result)}`);
}
