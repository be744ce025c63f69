import { buildDemoClient } from './demo-client.ts';
import { requireBuild } from './built.ts';
import { runCommand } from './repository.ts';

await requireBuild();
await buildDemoClient();
const server = 'apps/demo/dist/server/main.js';
process.exitCode = (
  await runCommand(process.execPath, [server, ...process.argv.slice(2)], { show: true })
).code;
