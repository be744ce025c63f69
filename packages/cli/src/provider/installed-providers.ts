import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findPackage, type FoundPackage, searchPlaces } from './find-package.ts';
import { knownProviders, providerPackage } from './known-providers.ts';

const UNREADABLE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EACCES']);

/** A provider that could be used here: its package, or none where it is not installed. */
export interface ProviderCandidate {
  readonly name: string;
  readonly summary: string;
  readonly package?: FoundPackage;
}

/** Every provider the project publishes, and every other `@gantry/provider-*` that is installed. */
export function providerCandidates(): readonly ProviderCandidate[] {
  const summaries = new Map(knownProviders.map(({ name, summary }) => [name, summary]));
  for (const name of installedNames()) if (!summaries.has(name)) summaries.set(name, '');
  return [...summaries].map(([name, summary]) => {
    const found = findPackage(providerPackage(name));
    return { name, summary, ...(found === undefined ? {} : { package: found }) };
  });
}

function installedNames(): readonly string[] {
  const directories = searchPlaces().flatMap(
    (place) => createRequire(place).resolve.paths('@gantry/provider-local') ?? [],
  );
  return [...new Set(directories.flatMap(providersIn))].toSorted();
}

function providersIn(directory: string): readonly string[] {
  const scope = join(directory, '@gantry');
  try {
    return readdirSync(scope).flatMap((entry) => /^provider-(.+)$/.exec(entry)?.[1] ?? []);
  } catch (error) {
    // Most of the places that Node searches do not exist, or are not ours to read.
    if (error instanceof Error && 'code' in error && UNREADABLE.has(String(error.code))) return [];
    throw error;
  }
}
