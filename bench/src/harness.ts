import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHarness, type Harness, type Journal, sqliteJournal } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import { local } from '@gantry/provider-local';
import { journalCommits } from './harness/journal-commits.ts';
import { report, type Row, toRow } from './measure/report.ts';
import { quantile } from './measure/samples.ts';

// What durability costs: commits, going on with a long run, a fan-out beside a bare loop, and work that is done twice.
// The unit S is one millisecond; where a row is a ratio or a count, it says so.

const rounds = Number(process.argv[2] ?? 300);
const branches = 200;
const concurrency = 32;
const longRun = 10_000;
const kills = 10;

const directory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-harness-'));
const stateDirectory = path.join(directory, 'local');
const provider = local({ stateDirectory });
const rows: Row[] = [];

function open(name: string): { readonly harness: Harness; readonly journal: Journal } {
  const journal = sqliteJournal(path.join(directory, name));
  const store = directoryStore(path.join(directory, `${name}-store`));
  return { journal, harness: createHarness({ journal, store, providers: { local: provider } }) };
}

/** Milliseconds from the resume of a run with many committed steps to its next step. */
async function resumeLongRun(): Promise<number> {
  const { harness, journal } = open('long');
  let interrupted = true;
  let reached = 0;
  const work = async (run: Parameters<Parameters<Harness['run']>[2]>[0]): Promise<void> => {
    for (let step = 0; step < longRun; step++)
      await run.step('step', () => step, { effects: 'none' });
    reached = performance.now();
    if (interrupted) throw new Error('interrupted');
  };
  await harness.run('long', { id: 'long' }, work).catch(() => undefined);
  interrupted = false;
  const began = performance.now();
  await harness.run('long', { id: 'long' }, work);
  await journal.close();
  return reached - began;
}

/** One command in a fresh sandbox, for each of many, so many at a time: without the harness. */
async function bareLoop(): Promise<number> {
  const began = performance.now();
  const items = Array.from({ length: branches }, (_, index) => index).values();
  const lane = async (): Promise<void> => {
    for (const item of items) {
      await using sandbox = await provider.create();
      const { ok } = await sandbox.exec(`echo ${item}`);
      if (!ok) throw new Error(`echo ${item} failed`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return performance.now() - began;
}

/** The same as a fan-out; throws when a branch fails or a sandbox is left. */
async function fanOut(name: string): Promise<number> {
  const { harness, journal } = open(name);
  const items = Array.from({ length: branches }, (_, index) => index);
  const began = performance.now();
  const outcome = await harness.run('fan-out', {}, async (run) => {
    const results = await run.fanOut(
      'echo',
      items,
      (branch, item) =>
        branch.step('echo', async () => (await branch.sandbox.exec(`echo ${item}`)).ok),
      { concurrency },
    );
    return results.filter((result) => result.status === 'fulfilled' && result.value).length;
  });
  const took = performance.now() - began;
  if (outcome.status !== 'finished' || outcome.value !== branches)
    throw new Error(JSON.stringify(outcome));
  for await (const { ref } of provider.list()) throw new Error(`sandbox ${ref.id} is left`);
  await journal.close();
  return took;
}

/** Steps that ran beyond once, for each of some kills at random moments of a run of twenty steps. */
async function wastedSteps(): Promise<readonly number[]> {
  const script = path.join(
    import.meta.dirname,
    'harness',
    `twenty-steps${path.extname(import.meta.url)}`,
  );
  const wasted: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const place = mkdtempSync(path.join(directory, 'twenty-'));
    const begin = (): ReturnType<typeof spawn> =>
      spawn(process.execPath, [script, place], { stdio: 'inherit' });
    const first = begin();
    const ended = once(first, 'exit');
    const ran = (): number => {
      const file = path.join(place, 'ran');
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
    };
    while (ran() < 1 + Math.floor(Math.random() * 18)) await delay(1);
    await delay(Math.random() * 20);
    first.kill('SIGKILL');
    await ended;
    const [code] = (await once(begin(), 'exit')) as [number | null];
    if (code !== 0) throw new Error(`the run that was gone on with ended with ${code}`);
    wasted.push(ran() - 20);
  }
  return wasted;
}

try {
  const { sync, commit, grouped } = await journalCommits(directory, rounds);
  const floor = { ratio: quantile(sync, 0.5), what: '4 KiB appended to a file and synced' };
  rows.push(toRow('4 KiB appended and synced (ms)', sync, 1));
  rows.push(toRow('commit of one event (ms)', commit, 1, { target: 0.6, floor }));
  rows.push(toRow('one event of a group of 64 (ms)', grouped, 1, { target: 0.1 }));
  const resumed = await resumeLongRun();
  rows.push(toRow(`resume after ${longRun} committed steps (ms)`, [resumed], 1, { target: 1000 }));
  const ratios: number[] = [];
  await bareLoop();
  for (let turn = 0; turn < 3; turn++) {
    const bare = await bareLoop();
    ratios.push((await fanOut(`fan-out-${turn}`)) / bare);
  }
  const title = `${branches} branches, ${concurrency} at once (times a bare loop)`;
  rows.push(toRow(title, ratios, 1, { target: 1 / 0.8 }));
  const wasted = await wastedSteps();
  rows.push(toRow('steps run again after a kill (count)', wasted, 1, { target: 1 }));
  const most = Math.max(...wasted);
  if (most > 1) throw new Error(`a kill cost ${most} steps`);
  report('harness', '1 ms (or 1, for ratios and counts)', rows);
} finally {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
