import { type Quotas, startEmulator } from '@gantry/emulators';
import { e2b } from '@gantry/emulators/e2b';
import { local } from '@gantry/provider-local';

// An emulator in a process of its own: what it costs is not the client's.

const [stateDirectory = '', quotas = '{}'] = process.argv.slice(2);
const emulator = await startEmulator(e2b, {
  provider: local({ stateDirectory }),
  quotas: JSON.parse(quotas) as Quotas,
});
process.once('disconnect', () => void emulator.close());
process.send?.({ key: emulator.key, url: emulator.url });
