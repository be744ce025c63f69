import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Provider } from '@gantry/core';
import { type Emulator, type EmulatorOptions, startEmulator, type Vendor } from '@gantry/emulators';
import { local } from '@gantry/provider-local';

/** A provider on an emulator of its vendor, whose sandboxes are real ones of another provider. */
export interface Emulated extends AsyncDisposable {
  readonly provider: Provider;
  readonly emulator: Emulator;
}

/** Without another provider the emulator's sandboxes are local ones, which leave nothing behind. */
export async function emulate(
  vendor: Vendor,
  connect: (emulator: Emulator) => Provider,
  options: Partial<EmulatorOptions> = {},
): Promise<Emulated> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), `gantry-${vendor.name}-`));
  const emulator = await startEmulator(vendor, {
    provider: local({ stateDirectory: path.join(scratch, 'state') }),
    ...options,
  });
  return {
    emulator,
    provider: connect(emulator),
    async [Symbol.asyncDispose]() {
      await emulator.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The requests of one kind that the emulator has answered. */
export function requestsTo({ emulator }: Emulated, pattern: RegExp): readonly string[] {
  return emulator
    .requests()
    .map(({ method, path }) => `${method} ${path}`)
    .filter((line) => pattern.test(line));
}
