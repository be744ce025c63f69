import { describe, expect, test } from 'vitest';
import { daemonOfRun } from '../../provider-docker/test/daemon-of-run.ts';
import { testImages } from '../../provider-docker/test/test-images.ts';
import { runScenario, scenarios } from './run-scenario.ts';

describe('containers behind withEgress, in full', () => {
  test.each(scenarios)('$name', async (scenario) => {
    const docker = { host: daemonOfRun().host, image: testImages.debian };
    await expect(runScenario(scenario, () => ({ docker }))).resolves.toBeUndefined();
  });
});
