import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseRef } from '@gantry/core';
import type { Provider, SandboxRef } from '@gantry/core';
import type { Harness, RunEvent } from '@gantry/core/harness';
import { openHarness } from './durable-extraction.ts';
import type { JobOptions } from './options.ts';

const main = fileURLToPath(new URL(`main${path.extname(import.meta.url)}`, import.meta.url));

/** After how many more recorded documents each process kills itself; one document before, sandboxes are ended under it. */
const killsAfter = [3, 6, 6] as const;

/** How one process of the job ended. */
interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs the job undisturbed, then again with sandboxes ended and its process killed midway, and compares. Returns the exit
 * code: 0 when the results are the same, the record of both runs is verified and no sandbox is left.
 */
export async function chaos(
  options: JobOptions,
  provider: Provider,
  signal: AbortSignal,
): Promise<number> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const disturbed = path.join(options.output, 'chaos');
  const [calmRun, chaosRun] = [`calm-${randomUUID()}`, `chaos-${randomUUID()}`];
  const calm = await endOf(begin(options, options.output, calmRun, provider, signal));
  const expected = await digestOf(options.output);
  say(
    `undisturbed: exit code ${calm.code}, results ${expected.digest.slice(0, 16)} (${expected.files} files)`,
  );
  let kills = 0;
  for (const after of killsAfter) {
    const { signal: by } = await endOf(
      begin(options, disturbed, chaosRun, provider, signal, after),
    );
    if (by !== 'SIGKILL') break;
    kills += 1;
    say(
      `process ${kills} had two sandboxes ended under it, and was killed after ${after} more documents`,
    );
  }
  const last = await endOf(begin(options, disturbed, chaosRun, provider, signal));
  await using open = await openHarness(disturbed, provider);
  const { harness } = open;
  const reaped = await harness.reap();
  const found = await digestOf(disturbed);
  const { verdict, events } = await harness.verify(chaosRun);
  const left = await sandboxesOf(harness, chaosRun, provider);
  const same = found.digest === expected.digest;
  say(
    `went on to the end: exit code ${last.code}, ${reaped.destroyed.length} sandboxes reaped, ${left.length} left`,
  );
  say(
    `results ${found.digest.slice(0, 16)} (${found.files} files): ${same ? 'the same' : 'DIFFERENT'}`,
  );
  say(`provenance chain ${verdict}: ${events} events, ${kills} processes killed`);
  const good = calm.code === 0 && last.code === 0 && same && verdict === 'verified';
  return good && left.length === 0 && kills > 0 ? 0 : 1;
}

function begin(
  { concurrency, only }: JobOptions,
  output: string,
  run: string,
  provider: Provider,
  signal: AbortSignal,
  dieAfter?: number,
): ChildProcess {
  const more = [
    ...(only === undefined ? [] : ['--only', only]),
    ...(dieAfter === undefined ? [] : ['--die-after', String(dieAfter)]),
  ];
  const parameters = [
    '--run',
    run,
    '--output',
    output,
    '--concurrency',
    String(concurrency),
    ...more,
  ];
  const all = [main, ...parameters, '--provider', provider.id, '--json'];
  return spawn(process.execPath, all, { stdio: ['ignore', 'ignore', 'inherit'], signal });
}

function endOf(process: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    process.once('error', reject);
    process.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

/**
 * Listens to a run's events: one recorded document before the last it ends two of the run's sandboxes, as a crash of their
 * machine would, and at the last this process, with no chance to clean up.
 */
export function dieAfter(count: number, provider: Provider): (event: RunEvent) => void {
  const created = new Map<string, SandboxRef>();
  let recorded = 0;
  return ({ type, scope = '', facts }) => {
    if (type === 'sandbox.created') created.set(scope, parseRef(facts?.['ref']));
    if (type === 'sandbox.destroyed' || type === 'branch.recorded') created.delete(scope);
    if (type !== 'branch.recorded') return;
    recorded += 1;
    if (recorded >= count) process.kill(process.pid, 'SIGKILL');
    if (recorded !== count - 1) return;
    // What becomes of it is the run's to find out.
    for (const ref of [...created.values()].slice(0, 2)) void provider.destroy(ref);
  };
}

/** Sandboxes that the run has made and that are there. */
async function sandboxesOf(
  harness: Harness,
  run: string,
  provider: Provider,
): Promise<readonly SandboxRef[]> {
  const leases = new Set<unknown>();
  for await (const { type, facts } of harness.events(run)) {
    if (type === 'sandbox.creating') leases.add(facts?.['lease']);
  }
  const found: SandboxRef[] = [];
  for await (const { ref, labels } of provider.list()) {
    if (leases.has(labels['gantry.lease'])) found.push(ref);
  }
  return found;
}

/** One digest over all records, by name. Receipts have times in them and are left out. */
async function digestOf(
  output: string,
): Promise<{ readonly digest: string; readonly files: number }> {
  const names = (await readdir(output)).filter(
    (name) => name.endsWith('.json') && !name.endsWith('.receipts.json') && name !== 'report.json',
  );
  const hash = createHash('sha256');
  for (const name of names.toSorted()) {
    hash.update(`${name}\n`).update(await readFile(path.join(output, name)));
  }
  return { digest: hash.digest('hex'), files: names.length };
}
