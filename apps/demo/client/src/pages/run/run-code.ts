import type { RunView } from '../../../../src/protocol/runs.ts';
import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** Code that follows this very run from elsewhere, and proves its record. */
export function runCode(run: RunView, stateDirectory: string): ActionCode {
  const directory = `${stateDirectory}/runs/harness`;
  return {
    what: 'follow this run',
    typescript: `import { createHarness, fileSigner, sqliteJournal } from '@gantry/core/harness';

const harness = createHarness({
  journal: sqliteJournal('${directory}/journal'),
  signer: await fileSigner('${directory}/signing'),
});
for await (const event of harness.events('${run.id}', { follow: true })) {
  console.log(event.sequence, event.type, event.scope ?? '');
}
console.log(await harness.verify('${run.id}'));
`,
    cli: `npx gantry watch ${run.id} --state ${directory} --follow
npx gantry provenance verify ${run.id} --state ${directory} \\
  --public-key ${directory}/signing/signing.pub
`,
  };
}
