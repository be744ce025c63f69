import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Provider } from '@gantry/core';
import { createHarness, fileSigner, sqliteJournal } from '@gantry/core/harness';
import { directoryStore, hostProcess } from '@gantry/core/node';
import { findTools } from '@gantry/example-clinical-records';
import { clinicalRun, jobName, policyOf, workspaceManifest } from './run-job.ts';
import { providersOf } from './run-providers.ts';
import { readRecord, runDirectory, runPlaces } from './run-record.ts';

/**
 * The harness of one run, as a process of its own: `node run-child.js STATE RUN`. It begins the run or goes on with it, and may
 * be killed at any moment. Exit code 0 when the run has finished, 75 (EX_TEMPFAIL) when it waits for an answer, 1 when it failed.
 */
const [state, id] = process.argv.slice(2);
if (state === undefined || id === undefined) {
  process.stderr.write('usage: node run-child.js STATE RUN\n');
  process.exit(64);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`the run was stopped by ${signal}`)));
}
// The run is what this process is for: connections that a provider keeps warm do not hold it.
try {
  process.exit(await drive(state, id));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

async function drive(directory: string, run: string): Promise<number> {
  const places = runPlaces(directory);
  const record = await readRecord(places, run);
  if (!record) throw new Error(`there is no run ${run} in ${places.directory}`);
  const own = runDirectory(places, run);
  await writeFile(path.join(own, 'process.json'), JSON.stringify(hostProcess.ownIdentity()));
  const { providers: names, agent } = record.request;
  const providers = providersOf(names);
  const [first] = Object.values(providers);
  if (!first) throw new Error('a run needs a provider');
  const store = directoryStore(places.snapshots);
  const journal = sqliteJournal(places.journal);
  try {
    const tools = await findTools();
    const written = agent ? await writtenExtractor(places.directory, run, first) : {};
    const harness = createHarness({
      journal,
      providers,
      store,
      signer: await fileSigner(places.signing),
      policy: policyOf(record),
      actor: 'demo',
    });
    const released = path.join(own, 'released');
    const input = { documents: record.documents.map(({ name, sha256 }) => ({ name, sha256 })) };
    const outcome = await harness.run(
      jobName,
      {
        id: run,
        input,
        sandbox: { manifest: workspaceManifest },
        keepCheckpoints: 100,
        signal: stop.signal,
      },
      clinicalRun({ record, tools: { ...tools, ...written }, released }),
    );
    await harness.reap();
    return outcome.status === 'finished' ? 0 : 75;
  } finally {
    await journal.close();
  }
}

async function writtenExtractor(
  output: string,
  run: string,
  provider: Provider,
): Promise<{ readonly extractor: string; readonly entry: string }> {
  const { writeExtractor } = await import('@gantry/example-clinical-records/agent');
  return writeExtractor(provider, output, `${run}-agent`, stop.signal, (line) =>
    process.stdout.write(`agent: ${line}\n`),
  );
}
