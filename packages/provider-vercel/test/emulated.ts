import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Provider } from '@gantry/core';
import { type Emulator, type EmulatorOptions, startEmulator } from '@gantry/emulators';
import { vercel as vendor } from '@gantry/emulators/vercel';
import { local } from '@gantry/provider-local';
import { vercel } from '../src/index.ts';

/** The provider on an emulator of its vendor, whose sandboxes are real ones of another provider. */
export interface Emulated extends AsyncDisposable {
  readonly provider: Provider;
  readonly emulator: Emulator;
}

/** Without another provider its sandboxes are local ones. */
export async function startEmulated(options: Partial<EmulatorOptions> = {}): Promise<Emulated> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-vercel-'));
  const emulator = await startEmulator(vendor, {
    provider: local({ stateDirectory: path.join(scratch, 'state') }),
    ...options,
  });
  const { key: token, url } = emulator;
  return {
    emulator,
    // The whole machine may be busy: no request of a test fails because it is slow.
    provider: vercel({
      ...{ token, teamId: 'team_gantry', projectId: 'prj_gantry' },
      apiUrl: `${url}/api`,
    }),
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
