import { requireBuild } from './built.ts';
import { runCommand } from './repository.ts';

await requireBuild();
const job = 'examples/clinical-records/dist/main.js';
process.exitCode = (
  await runCommand(process.execPath, [job, ...process.argv.slice(2)], { show: true })
).code;
