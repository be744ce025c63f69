import { SandboxError } from '../../errors/sandbox-error.ts';
import type { ResultSchema } from './run-types.ts';

/** A call in words, for errors. */
export function describe(kind: string, name: string, effects: string): string {
  return effects === 'none' && kind === 'step'
    ? `step "${name}" without effects`
    : `${kind} "${name}"`;
}

/** The value in a recorded body; `undefined` where a step returned nothing. */
export function valueOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'value' in body ? body.value : undefined;
}

/** A recorded value as the step's result. Throws `data-loss` for one that does not fit. */
export function checkedResult<Value>(
  value: unknown,
  name: string,
  schema: ResultSchema<Value> | undefined,
): Value {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without a schema the step's type is its author's word
  if (!schema) return value as Value;
  try {
    return schema.parse(value);
  } catch (cause) {
    const message = `the recorded result of step ${name} does not fit its schema`;
    throw new SandboxError('data-loss', message, { operation: `step ${name}`, cause });
  }
}
