// A process that makes and removes sandboxes until it is killed: `node create-until-killed.ts STATE-DIRECTORY WARM`.
// Prints a line before it begins.
import { local } from '../src/index.ts';

const [stateDirectory = '', warm = '0'] = process.argv.slice(2);
const provider = local({ stateDirectory, warm: Number(warm) });
process.stdout.write('begin\n');
for (;;) {
  const sandbox = await provider.create({ labels: { by: String(process.pid) } });
  await sandbox.exec(['true']);
  await sandbox.destroy();
}
