import { docker } from '@gantry/provider-docker';
import { expect, test } from 'vitest';
import { daemonOfRun } from '../../provider-docker/test/daemon-of-run.ts';
import { testImages } from '../../provider-docker/test/test-images.ts';
import { runSuite } from './run-suite.ts';

const onDocker = (): Parameters<typeof runSuite>[0] => ({
  backend: docker({ host: daemonOfRun().host, image: testImages.debian }),
  report: 'vercel-on-docker',
});

test.each([
  ['local', () => ({})],
  ['docker', onDocker],
] as const)(
  'the whole suite finds nothing against the provider, emulated on %s',
  { timeout: 3_600_000 },
  async (_backend, run) => {
    const { passed, against } = await runSuite(run());
    expect(against).toEqual([]);
    expect(passed).toBeGreaterThan(200);
  },
);
