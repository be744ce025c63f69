import { docker } from '@gantry/provider-docker';
import { apiExec, image, rawContainer, socketPath } from './measure/docker-baseline.ts';
import { report, type Row } from './measure/report.ts';
import { measureInTurns, quantile, type Subject } from './measure/samples.ts';

// How long the docker provider takes, fully hardened, beside the same done with plain dockerode, in units of A: one
// exec of `true` by the daemon's API. BENCH_DOCKER_SOCKET and BENCH_DOCKER_IMAGE choose daemon and image.

const rounds = Number(process.argv[2] ?? 20);
const parallel = 50;

const provider = docker({ host: `unix://${socketPath}`, image });
const baselineName = 'API exec of true';
const rawStartName = 'plain dockerode: create + start + exec';

const thousand = Object.fromEntries(
  Array.from({ length: 1_000 }, (_, index) => [
    `many/${index}`,
    { type: 'file', text: `file ${index}` } as const,
  ]),
);

/** Samples of something whose cleaning up is not to be measured. */
async function untidied(
  count: number,
  make: () => Promise<() => Promise<void>>,
): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let round = 0; round < count; round++) {
    const begin = performance.now();
    const tidy = await make();
    milliseconds.push(performance.now() - begin);
    await tidy();
  }
  return milliseconds;
}

const own = async (): Promise<() => Promise<void>> => {
  const sandbox = await provider.create();
  await sandbox.exec(['true']);
  return () => sandbox.destroy();
};
const plain = async (): Promise<() => Promise<void>> => {
  const container = await rawContainer();
  await apiExec(container, ['true']);
  return () => container.remove({ force: true });
};

const container = await rawContainer();
const live = await provider.create();
try {
  const subjects: Subject[] = [
    { name: baselineName, run: () => apiExec(container, ['true']) },
    { name: 'exec in a live sandbox', run: () => live.exec(['true']) },
    {
      name: 'write and read a file of 1 kB',
      run: async () => {
        await live.files.write('file', 'x'.repeat(1_024));
        await live.files.readBytes('file');
      },
    },
    {
      name: '1,000 small files by one manifest',
      run: () => live.apply({ spec: 'gantry-manifest/1', entries: thousand }),
    },
  ];
  const samples = [...(await measureInTurns(subjects, rounds, () => undefined))];
  await (
    await own()
  )(); // Prepares the image.
  const starts = { own: [] as number[], plain: [] as number[] };
  for (let round = 0; round < Math.ceil(rounds / 2); round++) {
    starts.plain.push(...(await untidied(1, plain)));
    starts.own.push(...(await untidied(1, own)));
  }
  const begin = performance.now();
  const results = await Promise.allSettled(
    Array.from({ length: parallel }, async () => (await own())()),
  );
  const each = (performance.now() - begin) / parallel;
  const failed = results.filter(({ status }) => status === 'rejected').length;
  if (failed > 0) throw new Error(`${failed} of ${parallel} sandboxes at once failed`);
  samples.push(
    { name: rawStartName, milliseconds: starts.plain },
    { name: 'create + first exec', milliseconds: starts.own },
    { name: `${parallel} at once: create + exec + destroy, each`, milliseconds: [each] },
  );
  const median = (name: string): number =>
    quantile(samples.find((sample) => sample.name === name)?.milliseconds ?? [], 0.5);
  const baseline = median(baselineName);
  const targets: Readonly<Record<string, number>> = {
    'exec in a live sandbox': 0.1,
    '1,000 small files by one manifest': 7,
    'create + first exec': (1.1 * median(rawStartName)) / baseline,
  };
  const rows = samples.map(({ name, milliseconds }): Row => {
    const [p50, p95] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.95)];
    const target = targets[name];
    return {
      ...{ name, samples: milliseconds.length, p50, p95 },
      ...{ ratio50: p50 / baseline, ratio95: p95 / baseline },
      ...(target === undefined ? {} : { target: Math.round(target * 100) / 100 }),
    };
  });
  report(
    'docker',
    'p50 of an exec of true by the API of the daemon, in a container with no hardening',
    rows,
  );
} finally {
  await live.destroy();
  await container.remove({ force: true });
}
