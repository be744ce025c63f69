import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { launchVariants } from './measure/launch-variants.ts';
import { report, type Row } from './measure/report.ts';
import { measureInTurns, quantile, type Samples, type Subject } from './measure/samples.ts';
import { spawnAwaited } from './measure/spawn-baseline.ts';

// How long the local provider takes, fully hardened, in units of S: one awaited spawn of /bin/true.

const rounds = Number(process.argv[2] ?? 60);
const parallel = 100;

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const provider = local({ stateDirectory });
const baselineName = 'spawn /bin/true';

/** Creates many sandboxes at once, runs `true` in each, and destroys them; the mean time of one. */
async function inParallel(): Promise<number> {
  const begin = performance.now();
  const one = async (): Promise<void> => {
    await using sandbox = await provider.create();
    const result = await sandbox.exec(['true']);
    if (!result.ok) throw new Error(`true ended with ${JSON.stringify(result.exit)}`);
  };
  await Promise.all(Array.from({ length: parallel }, one));
  return (performance.now() - begin) / parallel;
}

/** The filter that the provider has written for its own sandboxes. */
function seccompFilter(): string {
  const [file] = globSync('seccomp-*', { cwd: stateDirectory });
  if (file === undefined) throw new Error(`there is no seccomp filter in ${stateDirectory}`);
  return path.join(stateDirectory, file);
}

function progress(label: string, total: number): (done: number) => void {
  return (done) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r${label} ${done}/${total}${done === total ? '\n' : ''}`);
  };
}

const live = await provider.create();
const warmProvider = local({ stateDirectory, warm: 2 });

/** What `run` takes, after a rest in which the pool is filled again. */
async function fromPool(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 120));
  const begin = performance.now();
  const sandbox = await warmProvider.create();
  await sandbox.exec(['true']);
  const milliseconds = performance.now() - begin;
  await sandbox.destroy();
  return milliseconds;
}

/** One sandbox from its create to the end of its first command, and then its destroy. */
async function fromNothing(): Promise<{ cold: number; destroy: number }> {
  const begin = performance.now();
  const sandbox = await provider.create();
  await sandbox.exec(['true']);
  const end = performance.now();
  await sandbox.destroy();
  return { cold: end - begin, destroy: performance.now() - end };
}

try {
  const subjects: Subject[] = [
    { name: baselineName, run: () => spawnAwaited('/bin/true') },
    ...launchVariants(seccompFilter()).map(({ name, argv: [program, ...args] }) => ({
      name,
      run: () => spawnAwaited(program, args),
    })),
    { name: 'exec in a live sandbox', run: () => live.exec(['true']) },
  ];
  const samples: Samples[] = [
    ...(await measureInTurns(subjects, rounds, progress('round', rounds + 3))),
  ];
  const apart: { cold: number; destroy: number }[] = [];
  const adopted: number[] = [];
  for (let round = 0; round < rounds; round++) {
    apart.push(await fromNothing());
    adopted.push(await fromPool());
    progress('start', rounds)(round + 1);
  }
  samples.push({
    name: 'cold: create to the end of the first exec',
    milliseconds: apart.map(({ cold }) => cold),
  });
  samples.push({ name: 'the same from the pool', milliseconds: adopted });
  samples.push({ name: 'destroy', milliseconds: apart.map(({ destroy }) => destroy) });
  const batches: number[] = [];
  for (let batch = 0; batch < 3; batch++) {
    batches.push(await inParallel());
    progress('batch', 3)(batch + 1);
  }
  samples.push({
    name: `${parallel} at once: create + exec + destroy, each`,
    milliseconds: batches,
  });

  const baseline = quantile(
    samples.find(({ name }) => name === baselineName)?.milliseconds ?? [],
    0.5,
  );
  const targets: Readonly<Record<string, number>> = {
    'exec in a live sandbox': 1.2,
    'cold: create to the end of the first exec': 5.5,
    'the same from the pool': 1.5,
    destroy: 2,
  };
  const rows = samples.map(({ name, milliseconds }): Row => {
    const [p50, p95] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.95)];
    const target = targets[name];
    return {
      name,
      samples: milliseconds.length,
      p50,
      p95,
      ratio50: p50 / baseline,
      ratio95: p95 / baseline,
      ...(target === undefined ? {} : { target }),
    };
  });
  const memory = Math.round(process.memoryUsage.rss() / 2 ** 20);
  report(
    'local',
    `p50 of an awaited spawn of /bin/true with pipes, from a process of ${memory} MiB`,
    rows,
  );
} finally {
  await live.destroy();
  rmSync(stateDirectory, { recursive: true });
}
