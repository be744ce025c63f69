import type { EmulatorOptions } from '@gantry/emulators';
import { daytona as vendor } from '@gantry/emulators/daytona';
import { type Emulated, emulate } from '../../../tests/emulated-provider.ts';
import { daytona } from '../src/index.ts';

/** The provider on an emulator of its vendor, of local sandboxes unless the options name another provider. */
export function startEmulated(options: Partial<EmulatorOptions> = {}): Promise<Emulated> {
  return emulate(
    vendor,
    ({ key: apiKey, url }) => daytona({ apiKey, apiUrl: `${url}/api`, target: 'us' }),
    options,
  );
}
