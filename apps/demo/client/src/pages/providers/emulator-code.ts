import type { ProviderView } from '../../../../src/protocol/providers.ts';
import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** The program and the command that start the emulator of a vendor. */
export function emulatorCode({ id, emulator }: ProviderView): ActionCode {
  const backend = emulator?.backend ?? 'local';
  return {
    what: 'start the emulator',
    typescript: `import { startEmulator } from '@gantry/emulators';
import { ${id} as vendor } from '@gantry/emulators/${id}';
import { ${id} } from '@gantry/provider-${id}';
import { ${backend} } from '@gantry/provider-${backend}';

await using emulator = await startEmulator(vendor, { provider: ${backend}() });
Object.assign(process.env, emulator.environment); // what leads the vendor's SDK here
await using sandbox = await ${id}().create();
console.log((await sandbox.exec('uname -a')).stdout.text);
`,
    cli: `npx gantry emulate ${id} --on ${backend}\n`,
  };
}
