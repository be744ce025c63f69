import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { createHarness, fileSigner, sqliteJournal } from '../../src/harness.ts';
import type { ShownEvent } from '../../src/harness.ts';
import type { ChaosPlan, ChaosPoint } from './chaos-worker.ts';
import { sandboxesOf, sharedHost } from './shared-host-driver.ts';
import { testDirectory } from './temporary-journal.ts';

const run = promisify(execFile);

/** Within how many operations of a process a point lies: a process that goes on with little to do has not many more. */
const spread = 45;

const deadly = ['kill', 'kill', 'both'] as const;
const harmful = ['end sandboxes', 'out of reach'] as const;

/** Seeded numbers in [0, 1): xorshift, 32 bits. */
function seeded(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

function pointOf(random: () => number, kinds: readonly ChaosPoint['what'][]): ChaosPoint {
  const what = kinds[Math.floor(random() * kinds.length)] ?? 'kill';
  return {
    operation: 1 + Math.floor(random() * spread),
    when: random() < 0.5 ? 'before' : 'after',
    what,
  };
}

/** What a run with faults came to. */
export interface ChaosReport {
  /** Points that happened. */
  readonly kills: number;
  /** How often a step ran beyond once. */
  readonly wasted: number;
}

/**
 * Runs a job in processes of its own that are killed, or lose their sandboxes, at points drawn from the seed, until it has
 * finished; then asserts that nothing is wrong: the result, the chain, what ran again, what is left.
 */
export async function chaos(seed: number, kills: number): Promise<ChaosReport> {
  const directory = testDirectory();
  const random = seeded(seed);
  const plan: Omit<ChaosPlan, 'points'> = {
    directory,
    steps: 6,
    branches: 3,
    everySteps: 1 + (seed % 3),
  };
  let killed = 0;
  for (let left = kills; ; left--) {
    const points = left > 0 ? [pointOf(random, deadly), pointOf(random, harmful)] : [];
    const output = await work({ ...plan, points });
    if (output !== undefined) {
      assertOutcome(output, plan);
      break;
    }
    killed += 1;
  }
  const wasted = await assertRecord(plan, killed, seed);
  return { kills: killed, wasted };
}

/** The worker's output; `undefined` when it was killed. What else goes wrong is thrown. */
async function work(plan: ChaosPlan): Promise<unknown> {
  const file = path.join(plan.directory, 'plan.json');
  writeFileSync(file, JSON.stringify(plan));
  const worker = path.join(import.meta.dirname, 'chaos-worker.ts');
  try {
    const { stdout } = await run(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      worker,
      file,
    ]);
    return JSON.parse(stdout) as unknown;
  } catch (error) {
    if ((error as { signal?: string }).signal === 'SIGKILL') return undefined;
    throw error;
  }
}

function assertOutcome(output: unknown, { steps, branches }: Omit<ChaosPlan, 'points'>): void {
  const lines = Array.from({ length: steps }, (_, index) => `${index}\n`).join('');
  const squares = Array.from({ length: branches }, (_, index) => index * index);
  expect(output).toMatchObject({
    outcome: { status: 'finished', value: { log: lines + lines, squares, decided: 'all' } },
  });
}

async function assertRecord(
  plan: Omit<ChaosPlan, 'points'>,
  killed: number,
  seed: number,
): Promise<number> {
  const { directory, steps, branches, everySteps } = plan;
  const root = path.join(directory, 'sandboxes');
  const journal = sqliteJournal(path.join(directory, 'journal'));
  try {
    const signer = await fileSigner(path.join(directory, 'signer'));
    const harness = createHarness({ journal, signer, providers: { shared: sharedHost(root) } });
    expect(await harness.verify('chaos'), `seed ${seed}`).toMatchObject({
      verdict: 'verified',
      problems: [],
    });
    const events: ShownEvent[] = [];
    for await (const event of harness.events('chaos')) events.push(event);
    expect(
      runAfterCommit(events),
      `seed ${seed}: steps that ran although they were committed`,
    ).toEqual([]);
    await harness.reap();
    expect(sandboxesOf(root), `seed ${seed}: sandboxes that are left`).toEqual([]);
    const setBacks = events.filter(({ type }) => type === 'rollback').length;
    const ranFile = path.join(directory, 'ran');
    const ran = existsSync(ranFile) ? readFileSync(ranFile, 'utf8').trim().split('\n') : [];
    const added = ran.filter((line) => line.startsWith('add')).length;
    // Each set-back costs at most what lay between two checkpoints.
    expect(added - steps, `seed ${seed}: work that was wasted`).toBeLessThanOrEqual(
      (setBacks + killed) * everySteps,
    );
    return ran.length - steps - branches;
  } finally {
    await journal.close();
  }
}

/** Steps that were begun again after a checkpoint had covered them. */
function runAfterCommit(events: readonly ShownEvent[]): readonly string[] {
  const recorded = new Set<string>();
  const committed = new Set<string>();
  const again: string[] = [];
  for (const { type, step = '', scope, superseded, facts } of events) {
    const place = `${scope ?? ''} ${step}`;
    if (type === 'step.started' && committed.has(place)) again.push(place);
    if (scope !== undefined || superseded) continue;
    if (type === 'step.recorded') (facts?.['effects'] === 'none' ? committed : recorded).add(place);
    if (type === 'checkpoint') for (const each of recorded) committed.add(each);
  }
  return again;
}
