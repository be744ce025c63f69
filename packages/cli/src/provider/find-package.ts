import { createRequire, findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPackage } from './read-package.ts';

/** An installed package. */
export interface FoundPackage {
  readonly name: string;
  /** The file that an import of the package loads. */
  readonly entry: string;
  readonly version: string;
  /** What its conformance runs need, unless somebody says otherwise. */
  readonly timeoutScale: number | undefined;
}

/** The places that packages are looked for in, in this order: the user's directory, then gantry's own. */
export function searchPlaces(): readonly string[] {
  return [pathToFileURL(join(process.cwd(), 'package.json')).href, import.meta.url];
}

/** Finds an installed package, the user's copy before gantry's own. `undefined`: not installed. */
export function findPackage(name: string): FoundPackage | undefined {
  for (const place of searchPlaces()) {
    const manifest = packageManifest(name, place);
    if (manifest === undefined) continue;
    const { version, timeoutScale } = readPackage(manifest);
    return { name, version, timeoutScale, entry: packageEntry(name, manifest, place) };
  }
  return undefined;
}

function packageManifest(name: string, place: string): string | undefined {
  try {
    return findPackageJSON(name, place);
  } catch (error) {
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Node resolves from a given place only as `require` does; the `import` condition is looked up here. */
function packageEntry(name: string, manifest: string, place: string): string {
  try {
    return createRequire(place).resolve(name);
  } catch (error) {
    if (codeOf(error) !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    const { exports } = readPackage(manifest);
    const target = importTarget(exports);
    if (target === undefined) throw error;
    return join(dirname(manifest), target);
  }
}

function importTarget(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  // In the order in which the package lists its conditions, as Node does.
  for (const [key, value] of Object.entries(exports)) {
    if (!['.', 'node', 'import', 'default'].includes(key)) continue;
    const target = importTarget(value);
    if (target !== undefined) return target;
  }
  return undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
