import { pathToFileURL } from 'node:url';
import type { withEgress } from '@gantry/egress';
import { CliError } from '../errors/cli-error.ts';
import { findPackage } from './find-package.ts';
import { property } from './property.ts';

const packageName = '@gantry/egress';

/** What puts a proxy between a provider's sandboxes and the network, of the user's copy of the package or gantry's own. */
export async function loadEgress(): Promise<typeof withEgress> {
  const found = findPackage(packageName);
  if (!found) {
    throw new CliError(`--egress: ${packageName} is not installed`, {
      ...{ code: 'not-found', hint: `Install it: npm install ${packageName}` },
    });
  }
  const loaded: unknown = await import(pathToFileURL(found.entry).href);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this very package exports by this name
  return property(loaded, 'withEgress') as typeof withEgress;
}
