import { inspect } from 'node:util';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { Redactor } from './redactor.ts';

/** How deep causes and other members of errors are looked into: deeper than a console prints. */
const depth = 6;

/**
 * An error without secrets in its message, stack, details and causes. Where there are none in it, the same object; else a copy, a
 * `SandboxError` of one, a plain `Error` of the same name of any other.
 */
export function redactedError(error: unknown, redactor: Redactor): unknown {
  return holdsSecret(error, redactor) ? copyOf(error, redactor, 0) : error;
}

function holdsSecret(error: unknown, redactor: Redactor): boolean {
  // The texts apart: printed as members they are quoted.
  const options = { depth, breakLength: Infinity, maxStringLength: Infinity, getters: false };
  const said = [...textsOf(error), inspect(error, { ...options, customInspect: false })];
  return said.some((part) => redactor.text(part) !== part);
}

function textsOf(error: unknown, level = 0): readonly string[] {
  if (!(error instanceof Error) || level > depth) return typeof error === 'string' ? [error] : [];
  return [error.message, error.stack ?? '', ...textsOf(error.cause, level + 1)];
}

function copyOf(error: unknown, redactor: Redactor, level: number): unknown {
  if (level > depth) return undefined;
  const cause = (of: { readonly cause?: unknown }): { cause?: unknown } =>
    of.cause === undefined ? {} : { cause: copyOf(of.cause, redactor, level + 1) };
  if (SandboxError.is(error)) {
    const { code, message, outcome, retryable, retryAfterMs, provider, operation, ref, details } =
      error;
    const facts = { outcome, retryable, retryAfterMs, provider, operation, ref };
    const known = Object.entries(facts).filter(([, value]) => value !== undefined);
    const copy = new SandboxError(code, redactor.text(message), {
      ...Object.fromEntries(known),
      details: Object.fromEntries(
        Object.entries(details).map(([name, value]) => [
          redactor.text(name),
          valueOf(value, redactor, 0),
        ]),
      ),
      ...cause(error),
    });
    if (error.stack !== undefined) copy.stack = redactor.text(error.stack);
    return copy;
  }
  if (error instanceof Error) {
    const copy = new Error(redactor.text(error.message), cause(error));
    copy.name = redactor.text(error.name);
    if (error.stack !== undefined) copy.stack = redactor.text(error.stack);
    return copy;
  }
  return valueOf(error, redactor, 0);
}

/** What is no plain data is told as it would be printed. */
function valueOf(value: unknown, redactor: Redactor, level: number): unknown {
  if (typeof value === 'string') return redactor.text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (level > depth) return undefined;
  if (Array.isArray(value)) return value.map((item) => valueOf(item, redactor, level + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return redactor.text(inspect(value));
  const members = Object.entries(value).map(
    ([name, member]: [string, unknown]) =>
      [redactor.text(name), valueOf(member, redactor, level + 1)] as const,
  );
  return Object.fromEntries(members);
}
