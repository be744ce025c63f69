import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** Code that verifies and exports this record from elsewhere. */
export function provenanceCode(run: string, stateDirectory: string): ActionCode {
  const directory = `${stateDirectory}/runs/harness`;
  return {
    what: 'verify and export this record',
    typescript: `import { readFile } from 'node:fs/promises';
import { createHarness, sqliteJournal } from '@gantry/core/harness';

const harness = createHarness({ journal: sqliteJournal('${directory}/journal') });
const publicKey = await readFile('${directory}/signing/signing.pub', 'utf8');
console.log(await harness.verify('${run}', { publicKey }));
for await (const line of harness.export('${run}', 'intoto')) console.log(line);
`,
    cli: `npx gantry provenance verify ${run} --state ${directory} \\
  --public-key ${directory}/signing/signing.pub
npx gantry provenance export ${run} --state ${directory} --format intoto
`,
  };
}
