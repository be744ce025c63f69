import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { copyOnWrite, type Life, live, runTrue, type Wanted } from './local/lives.ts';
import { many } from './local/many.ts';
import { launchVariants } from './measure/launch-variants.ts';
import { type Aim, report, type Row, toRow } from './measure/report.ts';
import { ResidentShell } from './measure/resident-shell.ts';
import { measureInTurns, quantile } from './measure/samples.ts';
import { spawnAwaited } from './measure/spawn-baseline.ts';

// How long the local provider takes, fully hardened, in units of S: one awaited spawn of /bin/true.
// `npm run bench -- local [ROUNDS] [COUNT]`.

const rounds = Number(process.argv[2] ?? 60);
const count = Number(process.argv[3] ?? 1_000);
/** Long enough for what is made ahead to be there again. */
const restMs = 120;

// In memory where there is such a place: ext4 without a journal avoids inodes that were in use a moment
// ago, so that it gets slower the longer directories are made and removed.
const memory = '/dev/shm';
const stateDirectory = mkdtempSync(
  path.join(existsSync(memory) ? memory : tmpdir(), 'gantry-bench-'),
);
const provider = local({ stateDirectory });
const pool = local({ stateDirectory, warm: 2 });
const rows: Row[] = [];

function progress(label: string, total: number): (done: number) => void {
  return (done) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r${label} ${done}/${total}${done === total ? '\n' : ''}`);
  };
}

/** The filter that the provider has written for its own sandboxes. */
function seccompFilter(): string {
  const [file] = globSync('seccomp-*', { cwd: stateDirectory });
  if (file === undefined) throw new Error(`there is no seccomp filter in ${stateDirectory}`);
  return path.join(stateDirectory, file);
}

async function lives(from: typeof provider, wanted?: Wanted): Promise<Life> {
  await new Promise((resolve) => setTimeout(resolve, restMs));
  return await live(from, wanted);
}

try {
  const warm = await provider.create();
  const resident = Math.round(process.memoryUsage.rss() / 2 ** 20);
  using shell = new ResidentShell();
  const variants = launchVariants(seccompFilter());
  const turns = await measureInTurns(
    [
      { name: 'spawn /bin/true', run: () => spawnAwaited('/bin/true') },
      { name: 'a resident shell runs /bin/true', run: () => shell.runTrue() },
      ...variants.map(({ name, argv: [program, ...args] }) => ({
        name,
        run: () => spawnAwaited(program, args),
      })),
      { name: 'exec in a live sandbox', run: () => runTrue(warm) },
    ],
    rounds,
    progress('round', rounds + 3),
  );
  await warm.destroy();
  const median = (name: string): number =>
    quantile(turns.find((one) => one.name === name)?.milliseconds ?? [], 0.5);
  const baseline = median('spawn /bin/true');
  const fork = median('a resident shell runs /bin/true') / baseline;
  const raw = median('raw bubblewrap') / baseline;
  const exec = median('exec in a live sandbox') / baseline;
  const add = (name: string, samples: readonly number[], aim?: Aim, unit = baseline): void =>
    void rows.push(toRow(name, samples, unit, aim));
  const aim = (target: number, ratio: number, what: string): Aim => ({
    target,
    floor: { ratio, what },
  });
  const shellWhat = 'a shell of the host that stays and runs it, without streams and a sandbox';
  const rawWhat = 'bubblewrap with the namespaces alone, and then a resident shell’s `true`';
  for (const { name, milliseconds } of turns) {
    add(
      name,
      milliseconds,
      name === 'exec in a live sandbox' ? aim(1.2, fork, shellWhat) : undefined,
    );
  }

  const readOnly: Life[] = [];
  const writable: Life[] = [];
  const adopted: Life[] = [];
  // What is made ahead is there from the second sandbox of a kind on.
  for (let round = -3; round < rounds; round++) {
    const [one, two, three] = [
      await lives(provider),
      await lives(provider, copyOnWrite),
      await lives(pool),
    ];
    if (round < 0) continue;
    readOnly.push(one);
    writable.push(two);
    adopted.push(three);
    progress('start', rounds)(round + 1);
  }
  const cold = (all: readonly Life[]): number[] => all.map((life) => life.cold);
  add('cold, read-only root: create and first exec', cold(readOnly), aim(5.5, raw + fork, rawWhat));
  add('cold, copy-on-write root: the same', cold(writable), aim(8, raw + fork, rawWhat));
  add('from the pool: the same', cold(adopted), aim(1.5, exec, 'an exec in a live sandbox'));
  add(
    'destroy, read-only root',
    readOnly.map(({ destroy }) => destroy),
  );
  add(
    'destroy, copy-on-write root',
    writable.map(({ destroy }) => destroy),
  );

  const { start, memory: each, commands, destroy } = await many(provider, count, copyOnWrite);
  const processors = cpus().length;
  const share = (ratio: number): number => ratio / processors;
  const all = `${count} copy-on-write sandboxes`;
  const rawShare = `bubblewrap with the namespaces alone, on ${processors} processors at once`;
  add(`${all} alive, each`, [start], aim(5, share(raw), rawShare));
  add('memory of each, in MiB', [each], { target: 1 }, 1);
  const shellShare = `${shellWhat}, on ${processors} processors at once`;
  add('`true` in all of them, each', commands, aim(0.4, share(fork), shellShare));
  add('destroy of all of them, each', [destroy], { target: 2 });

  const small: Life[] = [];
  for (let round = 0; round < rounds; round++) small.push(await lives(provider));
  const heap = Array.from({ length: 1024 }, () => Buffer.alloc(2 ** 20, 1));
  const big: Life[] = [];
  for (let round = 0; round < rounds; round++) big.push(await lives(provider));
  heap.length = 0;
  add(
    'start with 1 GiB more heap / start',
    big.map((life) => life.create),
    { target: 1.25 },
    quantile(
      small.map((life) => life.create),
      0.5,
    ),
  );
  // The target is one of the p95.
  const block = quantile(
    [...readOnly, ...writable, ...small, ...big].map((life) => life.block),
    0.95,
  );
  add('event loop blocked by a start, p95 in ms', [block], { target: 2 }, 1);

  report(
    'local',
    `p50 of an awaited spawn of /bin/true with pipes, from a process of ${resident} MiB`,
    rows,
  );
} finally {
  for await (const { ref } of provider.list()) await provider.destroy(ref);
  rmSync(stateDirectory, { recursive: true, force: true });
}
// What is made ahead would be started once more.
process.exit();
