import type { EmulatorOptions } from '@gantry/emulators';
import { e2b as vendor } from '@gantry/emulators/e2b';
import { type Emulated, emulate } from '../../../tests/emulated-provider.ts';
import { e2b } from '../src/index.ts';

/** The provider on an emulator of its vendor, of local sandboxes unless the options name another provider. */
export function startEmulated(options: Partial<EmulatorOptions> = {}): Promise<Emulated> {
  // The whole machine may be busy: no request of a test fails because it is slow.
  const connection = { requestTimeoutMs: 120_000 };
  return emulate(
    vendor,
    ({ key: apiKey, url }) => e2b({ apiKey, apiUrl: url, sandboxUrl: url, ...connection }),
    options,
  );
}
