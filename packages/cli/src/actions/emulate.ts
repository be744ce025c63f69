import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import type { startEmulator, Vendor } from '@gantry/emulators';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { note, print, printJson } from '../output/print.ts';
import { findPackage } from '../provider/find-package.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { property } from '../provider/property.ts';
import type { Session } from '../session.ts';

const packageName = '@gantry/emulators';

/** What `gantry emulate` was given. */
export interface EmulateActionOptions {
  readonly on: string;
  readonly port?: number;
  readonly record?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** `gantry emulate`: serves until gantry is interrupted, then destroys what it made. Returns 0. */
export async function emulate(
  session: Session,
  vendorName: string,
  { on, port, record }: EmulateActionOptions,
): Promise<number> {
  const { signal } = session.interrupts;
  const { start, vendor } = await loadVendor(vendorName);
  const provider = await loadProvider(on);
  await using emulator = await start(vendor, {
    provider,
    ...(port === undefined ? {} : { port }),
    ...(record === undefined ? {} : { record }),
  }).catch((cause: unknown) => {
    const message = `the emulator of ${vendorName} cannot start: ${messageOf(cause)}`;
    throw new CliError(message, { code: 'failed-precondition', cause });
  });
  const { url, environment } = emulator;
  if (session.json) {
    printJson({ vendor: vendorName, provider: provider.id, url, environment });
  } else {
    for (const [name, value] of Object.entries(environment)) print(`export ${name}=${value}\n`);
    note(`${vendorName} on provider ${provider.id} at ${url}; Ctrl-C ends it and its sandboxes`);
  }
  if (!signal.aborted) await once(signal, 'abort');
  return 0;
}

async function loadVendor(name: string): Promise<{ start: typeof startEmulator; vendor: Vendor }> {
  const found = findPackage(packageName);
  if (!found) {
    throw new CliError(`${packageName} is not installed`, {
      ...{ code: 'not-found', hint: `Install it: npm install ${packageName}` },
    });
  }
  const vendor = /^[a-z][a-z0-9-]*$/.test(name) ? await importVendor(name) : undefined;
  if (vendor === undefined) {
    throw new CliError(`there is no emulator of ${JSON.stringify(name)}`, { hint: 'Give: e2b' });
  }
  const shared: unknown = await import(pathToFileURL(found.entry).href);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both are what this very package exports by these names
  return { start: property(shared, 'startEmulator'), vendor } as {
    start: typeof startEmulator;
    vendor: Vendor;
  };
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
