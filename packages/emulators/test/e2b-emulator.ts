import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { Sandbox, type SandboxOpts } from 'e2b';
import { type Emulator, type EmulatorOptions, startEmulator } from '../src/index.ts';
import { e2b } from '../src/e2b.ts';

/** An emulator of E2B on sandboxes of this machine, which leaves nothing behind. */
export interface E2bEmulator extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly scratch: string;
  /** The SDK's options that lead here. */
  readonly connection: {
    readonly apiKey: string;
    readonly apiUrl: string;
    readonly sandboxUrl: string;
  };
  /** A new sandbox, by the vendor's SDK. */
  create(options?: SandboxOpts): Promise<Sandbox>;
}

export async function startE2b(
  options: Omit<EmulatorOptions, 'provider' | 'record'> & { readonly recordName?: string } = {},
): Promise<E2bEmulator> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-emulators-'));
  const { recordName, ...rest } = options;
  const emulator = await startEmulator(e2b, {
    ...rest,
    provider: local({ stateDirectory: path.join(scratch, 'state') }),
    ...(recordName === undefined ? {} : { record: path.join(scratch, recordName) }),
  });
  const { key: apiKey, url } = emulator;
  // The whole machine may be busy: no request of a test fails because it is slow.
  const connection = { apiKey, apiUrl: url, sandboxUrl: url, requestTimeoutMs: 120_000 };
  return {
    emulator,
    scratch,
    connection,
    // Longer than any test moves the clock.
    create: (more = {}) => Sandbox.create({ ...connection, timeoutMs: 86_400_000, ...more }),
    async [Symbol.asyncDispose]() {
      await emulator.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** Asks again and again until there is an answer; a test's own time limit ends it. */
export async function until<Result>(
  ask: () => Result | undefined | false | Promise<Result | undefined | false>,
): Promise<Result> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
