import { SandboxError } from '@gantry/core';
import type { Environment } from '@openai/agents/sandbox';

type Resolver = () => string | Promise<string>;

/**
 * A value of the SDK's environment, in any form that the SDK takes and of any copy of the SDK, in one that every copy takes: its
 * functions are closures, so that a copy that does not know the class cannot mistake one for the other.
 */
export function portableVariable(name: string, given: unknown): Environment {
  if (typeof given === 'string') return variable(given, undefined, {});
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a function is a resolver by the SDK's own definition of the field
  if (typeof given === 'function') return variable('', given as Resolver, {});
  if (typeof given !== 'object' || given === null) throw notAVariable(name);
  // A reference to a value: it must stay one, for what is saved of it is its name and not its value.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- two fields tell it: its class may be another copy's
  if ('serialize' in given && 'init' in given) return given as unknown as Environment;
  const { value, ephemeral, description } = given as Partial<Environment>;
  if (typeof value !== 'string') throw notAVariable(name);
  return variable(value, resolverOf(given), {
    ...(ephemeral ? { ephemeral } : {}),
    ...(description === undefined ? {} : { description }),
  });
}

/** `resolver` of an instance of the SDK's class; `resolve` of a plain value, which an instance has too, as a method. */
function resolverOf(given: object): Resolver | undefined {
  const field = 'init' in given ? 'resolver' : 'resolve';
  const resolver: unknown = Reflect.get(given, field);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return typeof resolver === 'function' ? (resolver as Resolver) : undefined;
}

function variable(
  value: string,
  resolver: Resolver | undefined,
  facts: { readonly ephemeral?: boolean; readonly description?: string },
): Environment {
  const normalized = { value, ...facts };
  return {
    value,
    ...(resolver ? { resolver } : {}),
    ephemeral: facts.ephemeral ?? false,
    ...(facts.description === undefined ? {} : { description: facts.description }),
    resolve: async () => (resolver ? resolver() : value),
    init: () => ({ ...normalized, ...(resolver ? { resolve: resolver } : {}) }),
    normalized: () => ({ ...normalized }),
  };
}

function notAVariable(name: string): SandboxError {
  const message = `the environment variable ${name} has no value that is text, a function or a reference; a saved reference needs the current manifest`;
  return new SandboxError('invalid-argument', message);
}
