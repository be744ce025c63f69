import { pathToFileURL } from 'node:url';
import type { startEmulator, Vendor } from '@gantry/emulators';
import { CliError } from '../errors/cli-error.ts';
import { findPackage } from './find-package.ts';
import { property } from './property.ts';

const packageName = '@gantry/emulators';

/** A vendor that can be emulated, and what starts its emulator. */
export interface LoadedVendor {
  readonly start: typeof startEmulator;
  readonly vendor: Vendor;
}

/** Loads the emulator of a vendor from the user's copy of the package, or gantry's own. */
export async function loadVendor(name: string): Promise<LoadedVendor> {
  const found = findPackage(packageName);
  if (!found) {
    throw new CliError(`${packageName} is not installed`, {
      ...{ code: 'not-found', hint: `Install it: npm install ${packageName}` },
    });
  }
  const vendor = /^[a-z][a-z0-9-]*$/.test(name) ? await importVendor(name) : undefined;
  if (vendor === undefined) {
    throw new CliError(`there is no emulator of ${JSON.stringify(name)}`, {
      hint: 'Give: daytona, e2b, vercel',
    });
  }
  const shared: unknown = await import(pathToFileURL(found.entry).href);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both are what this very package exports by these names
  return { start: property(shared, 'startEmulator'), vendor } as LoadedVendor;
}

/** `undefined` where the package has no such entry. */
async function importVendor(name: string): Promise<unknown> {
  try {
    const found = findPackage(`${packageName}/${name}`);
    if (!found) return undefined;
    return property(await import(pathToFileURL(found.entry).href), name);
  } catch (error) {
    if (property(error, 'code') === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return undefined;
    throw error;
  }
}
