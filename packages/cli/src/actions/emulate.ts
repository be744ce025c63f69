import { once } from 'node:events';
import { CliError, messageOf } from '../errors/cli-error.ts';
import { note, print, printJson } from '../output/print.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { emulatedVariable } from '../provider/emulated-variable.ts';
import { loadVendor } from '../provider/load-vendor.ts';
import type { Session } from '../session.ts';

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
  const { url } = emulator;
  const environment = { ...emulator.environment, [emulatedVariable]: vendorName };
  if (session.json) {
    printJson({ vendor: vendorName, provider: provider.id, url, environment });
  } else {
    for (const [name, value] of Object.entries(environment)) print(`export ${name}=${value}\n`);
    note(`${vendorName} on provider ${provider.id} at ${url}; Ctrl-C ends it and its sandboxes`);
  }
  if (!signal.aborted) await once(signal, 'abort');
  return 0;
}
