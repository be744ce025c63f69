import type { EmulatorOptions } from '@gantry/emulators';
import { vercel as vendor } from '@gantry/emulators/vercel';
import { type Emulated, emulate } from '../../../tests/emulated-provider.ts';
import { vercel } from '../src/index.ts';

/** The provider on an emulator of its vendor, of local sandboxes unless the options name another provider. */
export function startEmulated(options: Partial<EmulatorOptions> = {}): Promise<Emulated> {
  const account = { teamId: 'team_gantry', projectId: 'prj_gantry' };
  return emulate(
    vendor,
    ({ key: token, url }) => vercel({ token, ...account, apiUrl: `${url}/api` }),
    options,
  );
}
