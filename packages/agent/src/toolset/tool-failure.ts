import { SandboxError } from '@gantry/core';

/** What a tool tells the model when a call did not work: the message says what to do instead. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}

/** Reasons of errors that say nothing against the sandbox itself. */
const mendable = new Set(['policy', 'cwd', 'no-space', 'oom']);

/** What to tell the model of an error, or undefined where the error is not the model's to mend. */
export function messageForModel(error: unknown): string | undefined {
  if (error instanceof ToolFailure) return error.message;
  if (!SandboxError.is(error)) return undefined;
  const { code, details, message } = error;
  if (code === 'invalid-argument' || code === 'unsupported') return message;
  const ofPath = typeof details['path'] === 'string' && code !== 'data-loss';
  return ofPath || mendable.has(String(details['reason'])) ? message : undefined;
}
