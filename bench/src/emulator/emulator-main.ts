import { type Quotas, startEmulator } from '@gantry/emulators';
import { daytona } from '@gantry/emulators/daytona';
import { e2b } from '@gantry/emulators/e2b';
import { vercel } from '@gantry/emulators/vercel';
import { local } from '@gantry/provider-local';

// An emulator in a process of its own: what it costs is not the client's.

const vendors = new Map(Object.entries({ daytona, e2b, vercel }));
const [name = '', stateDirectory = '', quotas = '{}'] = process.argv.slice(2);
const vendor = vendors.get(name);
if (!vendor) throw new Error(`there is no emulator of ${name}`);
const emulator = await startEmulator(vendor, {
  provider: local({ stateDirectory }),
  quotas: JSON.parse(quotas) as Quotas,
});
process.once('disconnect', () => void emulator.close());
process.send?.({ key: emulator.key, url: emulator.url });
