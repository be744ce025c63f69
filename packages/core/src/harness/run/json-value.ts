import { SandboxError } from '../../errors/sandbox-error.ts';
import type { Json } from '../journal/run-event.ts';

/** The value as JSON has it. Throws `invalid-argument`, with the place, for what would come back from JSON as something else. */
export function asJson(value: unknown, what: string): Json {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value;
    throw refusal(what, 'text with half of a surrogate pair');
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
    throw refusal(what, String(value));
  }
  if (Array.isArray(value)) return value.map((item, index) => asJson(item, `${what}[${index}]`));
  if (typeof value === 'object' && isPlain(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, asJson(member, `${what}.${key}`)] as const);
    return Object.fromEntries(members);
  }
  const kind = typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value;
  throw refusal(what, `a ${kind}`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refusal(what: string, kind: string): SandboxError {
  return new SandboxError(
    'invalid-argument',
    `${what} is ${kind}, which JSON does not keep; return plain data, or an artifact`,
    { operation: 'run.step' },
  );
}
