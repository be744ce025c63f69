import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Provider } from '@gantry/core';
import { describeError, describeValue } from '../runner/describe-value.ts';
import { within } from '../runner/time-limits.ts';

/** What is put under test: a live provider, or a module that any process can load. */
export type Subject =
  | Provider
  | LoadedSubject
  | {
      /** Path of a module, or the name of a package, that exports a provider or a function that makes one. */
      readonly load: string;
      /** Which export; default `default`. */
      readonly export?: string;
      /** JSON that a provider function is called with. */
      readonly options?: unknown;
    };

/** A subject that is ready: its provider, and how another process can load the same. */
export interface LoadedSubject {
  readonly provider: Provider;
  readonly source?: { readonly load: string; readonly export?: string; readonly options?: unknown };
}

/** How long a module may take to load. */
const loadMs = 60_000;

/** Loads a subject. Throws an `Error` that says what the module lacks, or how it failed. */
export async function loadSubject(subject: Subject): Promise<LoadedSubject> {
  if (isProvider(subject)) return { provider: subject };
  if ('provider' in subject) return subject;
  const load = resolvePath(subject.load);
  const module = await importModule(load);
  const name = subject.export ?? 'default';
  const exported = module[name];
  const source = { ...subject, load };
  if (isProvider(exported)) return { provider: exported, source };
  if (typeof exported !== 'function') {
    const found = Object.keys(module).join(', ') || 'nothing';
    throw new Error(
      `${subject.load} is no provider module: its export ${name} is ${describeValue(exported)} (it exports ${found}); export a provider, or a function that returns one, as ${name}`,
    );
  }
  const made: unknown = await callFactory(subject.load, exported, subject.options);
  if (isProvider(made)) return { provider: made, source };
  throw new Error(
    `${subject.load} is no provider module: its export ${name} returned ${describeValue(made)} instead of a provider (see defineProvider in @gantry/core/driver)`,
  );
}

function resolvePath(load: string): string {
  const isPath = load.startsWith('.') || path.isAbsolute(load) || /\.[cm]?[jt]s$/.test(load);
  return isPath ? path.resolve(load) : load;
}

async function importModule(load: string): Promise<Record<string, unknown>> {
  const specifier = path.isAbsolute(load) ? pathToFileURL(load).href : load;
  const late = (): Error => new Error(`its loading did not end within ${loadMs} ms`);
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a module namespace is an object of its exports
    return (await within(loadMs, import(specifier), late)) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`the provider module ${load} cannot be loaded: ${describeError(error)}`, {
      cause: error,
    });
  }
}

async function callFactory(load: string, factory: unknown, options: unknown): Promise<unknown> {
  const late = (): Error => new Error(`it did not end within ${loadMs} ms`);
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller has checked that it is a function
    const made = (factory as (options?: unknown) => unknown)(options);
    return await within(loadMs, Promise.resolve(made), late);
  } catch (error) {
    throw new Error(`the provider function of ${load} failed: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Whether a value has the shape of a `Provider`. */
function isProvider(value: unknown): value is Provider {
  if (typeof value !== 'object' || value === null) return false;
  const wanted = ['create', 'connect', 'destroy', 'inspect', 'wrap'] as const;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each property is looked at
  const candidate = value as Record<string, unknown>;
  return (
    typeof candidate['id'] === 'string' &&
    wanted.every((name) => typeof candidate[name] === 'function')
  );
}
