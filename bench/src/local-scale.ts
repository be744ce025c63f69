import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Sandbox } from '@gantry/core';
import { local } from '@gantry/provider-local';
import { report, type Row } from './measure/report.ts';
import { measureInTurns, quantile } from './measure/samples.ts';
import { spawnAwaited } from './measure/spawn-baseline.ts';

// How the local provider does under load, in units of S: from a process with a big heap, and with many
// sandboxes alive at once. `npm run bench -- local-scale [COUNT]`.

const count = Number(process.argv[2] ?? 1_000);
/** As many as keep the processors busy; more would only wait. */
const inFlight = 8;
const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const provider = local({ stateDirectory });
const rows: Row[] = [];
let baseline = 0;

function add(
  name: string,
  milliseconds: readonly number[],
  target?: number,
  unit = baseline,
): void {
  const [p50, p95] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.95)];
  rows.push({
    ...{ name, samples: milliseconds.length, p50, p95, ratio50: p50 / unit, ratio95: p95 / unit },
    ...(target === undefined ? {} : { target }),
  });
}

/** The mean time of one, of all done with a bounded number in flight. */
async function each(work: (index: number) => Promise<void>): Promise<number> {
  const begin = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (performance.now() - begin) / count;
}

/** What the machine has left, in MiB, with what it would give back at once. */
function available(): number {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024;
}

async function check(sandbox: Sandbox): Promise<void> {
  const result = await sandbox.exec(['true']);
  if (!result.ok) throw new Error(`true ended with ${JSON.stringify(result.exit)}`);
}

/** Times creates one after the other, and how long each kept the event loop from doing anything else. */
async function starts(rounds: number): Promise<{ times: number[]; blocks: number[] }> {
  const times: number[] = [];
  const blocks: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const begin = performance.now();
    const sandbox = await provider.create();
    times.push(performance.now() - begin);
    delay.disable();
    // The monitor's own resolution is part of what it measures.
    blocks.push(Math.max(0, delay.max / 1e6 - 1));
    await sandbox.destroy();
  }
  return { times, blocks };
}

try {
  const [spawned] = await measureInTurns(
    [{ name: 'spawn /bin/true', run: () => spawnAwaited('/bin/true') }],
    60,
    () => undefined,
  );
  baseline = quantile(spawned?.milliseconds ?? [], 0.5);
  add('spawn /bin/true', spawned?.milliseconds ?? []);

  await starts(5);
  const small = await starts(40);
  add('start', small.times);
  const heap = Array.from({ length: 1024 }, () => Buffer.alloc(2 ** 20, 1));
  const big = await starts(40);
  add('start with 1 GiB more heap / start', big.times, 1.25, quantile(small.times, 0.5));
  add('event loop blocked per start, p95 in units of 1 ms', big.blocks, 2, 1);
  heap.length = 0;

  const sandboxes: Sandbox[] = [];
  const before = available();
  add(
    `${count} alive, each`,
    [await each(async (index) => void (sandboxes[index] = await provider.create()))],
    5,
  );
  add('memory each, in units of 1 MiB', [(before - available()) / count], 1, 1);
  const first = await each((index) => check(sandboxes[index]!));
  add(`true in all ${count}, each`, [first, await each((index) => check(sandboxes[index]!))], 0.4);
  add(`destroy all ${count}, each`, [await each((index) => sandboxes[index]!.destroy())], 2);
  report(
    'local-scale',
    'p50 of an awaited spawn of /bin/true with pipes, from a small process',
    rows,
  );
} finally {
  for await (const { ref } of provider.list()) await provider.destroy(ref);
  rmSync(stateDirectory, { recursive: true });
}
