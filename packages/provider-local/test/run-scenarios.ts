// Runs scenarios as the current user and prints one line of JSON for each:
// `node run-scenarios.ts SCRATCH-DIRECTORY [SHARE/OF-HOW-MANY [PART-OF-A-NAME]]`.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { local } from '../src/index.ts';
import { scenarios } from './scenarios.ts';

const [directory = '', share = '0/1', part = ''] = process.argv.slice(2);
const [own = 0, shares = 1] = share.split('/').map(Number);

for (const [index, { name, run }] of scenarios.entries()) {
  if (index % shares !== own || !name.includes(part)) continue;
  const scratch = path.join(directory, String(index));
  const stateDirectory = path.join(scratch, 'state');
  mkdirSync(scratch);
  let problem: string | undefined;
  const begin = performance.now();
  try {
    await run({ provider: local({ stateDirectory }), stateDirectory, scratch });
  } catch (error) {
    problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const milliseconds = Math.round(performance.now() - begin);
  process.stdout.write(`${JSON.stringify({ name, problem, milliseconds })}\n`);
  rmSync(scratch, { recursive: true, force: true });
}
