import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { createHarness, sqliteJournal } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import { local } from '@gantry/provider-local';

// One process of the durable run that the benchmark kills: twenty steps with a checkpoint each.

const directory = process.argv[2] ?? '';
const journal = sqliteJournal(path.join(directory, 'journal'));
const provider = local();
const harness = createHarness({
  journal,
  providers: { local: provider },
  store: directoryStore(path.join(directory, 'store')),
});
await harness.run('twenty', { id: 'twenty' }, async (run) => {
  for (let step = 0; step < 20; step++) {
    await run.step(`step ${step}`, async () => {
      appendFileSync(path.join(directory, 'ran'), `${step}\n`);
      await run.sandbox.exec(`echo ${step} >> log`);
    });
  }
});
await harness.reap();
await journal.close();
