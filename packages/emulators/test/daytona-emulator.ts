import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { Daytona } from '@daytonaio/sdk';
import { type Emulator, type EmulatorOptions, startEmulator } from '../src/index.ts';
import { daytona } from '../src/daytona.ts';

/** An emulator of Daytona on sandboxes of this machine, which leaves nothing behind, and a client of it. */
export interface DaytonaEmulator extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly client: Daytona;
  /** Another client, with other options. */
  connect(options?: { readonly apiKey?: string }): Daytona;
}

export async function startDaytona(
  options: Omit<EmulatorOptions, 'provider'> = {},
): Promise<DaytonaEmulator> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-emulators-'));
  const emulator = await startEmulator(daytona, {
    ...options,
    provider: local({ stateDirectory: path.join(scratch, 'state') }),
  });
  const clients: Daytona[] = [];
  const connect = ({ apiKey = emulator.key } = {}): Daytona => {
    const client = new Daytona({ apiKey, apiUrl: `${emulator.url}/api`, target: 'us' });
    clients.push(client);
    return client;
  };
  return {
    ...{ emulator, connect, client: connect() },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]();
      await emulator.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
