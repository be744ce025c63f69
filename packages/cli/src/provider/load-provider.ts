import { resolve } from 'node:path';
import type { Provider } from '@gantry/core';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { findPackage } from './find-package.ts';
import { importModule } from './import-module.ts';
import { installCommand, knownProviders, providerPackage } from './known-providers.ts';
import { property } from './property.ts';

/** True for what names a module of the user rather than a provider package. */
export function isModulePath(name: string): boolean {
  return /^\.{0,2}\//.test(name) || /\.(m?js|m?ts)$/.test(name);
}

/**
 * Loads the provider that `--provider` names: a package `@gantry/provider-NAME`, the user's own copy
 * before gantry's, or the module at a path. Its default export is a provider or makes one.
 * With `egress` its sandboxes reach the network through a proxy of this process.
 */
export async function loadProvider(name: string, egress = false): Promise<Provider> {
  const path = isModulePath(name) ? resolve(name) : packagePath(name);
  const provider = await providerOf(property(await importModule(path), 'default'), path);
  if (!egress) return provider;
  const { loadEgress } = await import('./load-egress.ts');
  return (await loadEgress())(provider);
}

function packagePath(name: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new CliError(`${JSON.stringify(name)} is not the name of a provider`, {
      hint: 'Give a name such as local, or the path of a module: ./my-provider.mjs',
    });
  }
  const found = findPackage(providerPackage(name));
  if (found !== undefined) return found.entry;
  const known = knownProviders.some((provider) => provider.name === name);
  throw new CliError(`provider ${name} is not installed`, {
    code: 'not-found',
    hint: known
      ? `Install it: ${installCommand(name)}`
      : `Install it: ${installCommand(name)} (not one of the project's own: ${knownProviders.map((provider) => provider.name).join(', ')})`,
  });
}

async function providerOf(exported: unknown, path: string): Promise<Provider> {
  const made = typeof exported === 'function' ? await callFactory(exported, path) : exported;
  if (isProvider(made)) return made;
  const what =
    exported === undefined
      ? 'has no default export'
      : typeof exported === 'function'
        ? 'has a default export that returns no provider'
        : 'has a default export that is no provider';
  throw new CliError(`provider module ${path} ${what}`, {
    code: 'failed-precondition',
    hint: 'Its default export must be a provider (see defineProvider), or a function that returns one.',
    details: { module: path },
  });
}

async function callFactory(factory: Function, path: string): Promise<unknown> {
  try {
    const made: unknown = await Reflect.apply(factory, undefined, []);
    return made;
  } catch (cause) {
    throw new CliError(`provider module ${path}: its factory failed: ${messageOf(cause)}`, {
      code: 'failed-precondition',
      details: { module: path },
      cause,
    });
  }
}

function isProvider(value: unknown): value is Provider {
  return (
    typeof property(value, 'id') === 'string' &&
    ['create', 'connect', 'list', 'probe', 'wrap'].every(
      (name) => typeof property(value, name) === 'function',
    )
  );
}
