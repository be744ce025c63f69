import { ok } from 'node:assert/strict';
import { SandboxError, type SandboxErrorCode } from '../errors/sandbox-error.ts';

/** One requirement of an interface, for any test runner: `run` rejects when the subject does not meet it. */
export interface ContractCheck<Subject> {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** Asserts that something rejects with a `SandboxError` of this code. */
export async function rejectsWith(
  code: SandboxErrorCode,
  work: () => Promise<unknown>,
): Promise<SandboxError> {
  try {
    await work();
  } catch (error) {
    ok(SandboxError.is(error), `rejects with a SandboxError, not with ${String(error)}`);
    ok(error.code === code, `rejects with ${code}, not with ${error.code}: ${error.message}`);
    return error;
  }
  throw new Error(`resolves, where it must reject with ${code}`);
}

/** Everything that an iterable yields. */
export async function collected<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
