import { type Quotas, startEmulator } from '@gantry/emulators';
import { daytona } from '@gantry/emulators/daytona';
import { e2b } from '@gantry/emulators/e2b';
import { local } from '@gantry/provider-local';

// An emulator in a process of its own: what it costs is not the client's.

const [vendor, stateDirectory = '', quotas = '{}'] = process.argv.slice(2);
const emulator = await startEmulator(vendor === 'daytona' ? daytona : e2b, {
  provider: local({ stateDirectory }),
  quotas: JSON.parse(quotas) as Quotas,
});
process.once('disconnect', () => void emulator.close());
process.send?.({ key: emulator.key, url: emulator.url });
