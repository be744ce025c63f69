import { buildDemoClient } from './demo-client.ts';
import { requireBuild } from './built.ts';
import { runCommand } from './repository.ts';

await requireBuild();
process.stdout.write('looking whether the client has to be built\n');
const { code, output } = await buildDemoClient();
if (code !== 0) {
  process.stderr.write(`${output}The demo's client could not be built.\n`);
  process.exit(code);
}
const server = 'apps/demo/dist/server/main.js';
process.exitCode = (
  await runCommand(process.execPath, [server, ...process.argv.slice(2)], { show: true })
).code;
