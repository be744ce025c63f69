import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { type Emulator, type EmulatorOptions, startEmulator } from '../src/index.ts';
import { vercel } from '../src/vercel.ts';

/** What every static function of the SDK takes, so that it comes to an emulator. */
export interface VercelAccess {
  readonly token: string;
  readonly teamId: string;
  readonly projectId: string;
  readonly fetch: typeof fetch;
}

/** An emulator of Vercel on sandboxes of this machine, which leaves nothing behind. */
export interface VercelEmulator extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly access: VercelAccess;
}

export async function startVercel(
  options: Omit<EmulatorOptions, 'provider'> = {},
): Promise<VercelEmulator> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-emulators-'));
  const emulator = await startEmulator(vercel, {
    ...options,
    provider: local({ stateDirectory: path.join(scratch, 'state') }),
  });
  const place = `${emulator.url}/api`;
  return {
    emulator,
    access: {
      ...{ token: emulator.key, teamId: 'team_gantry', projectId: 'prj_gantry' },
      fetch: (input, init) => {
        const asked = input instanceof Request ? input.url : String(input);
        return fetch(asked.replace('https://vercel.com/api', place), init);
      },
    },
    async [Symbol.asyncDispose]() {
      await emulator.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
