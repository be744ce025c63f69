import { describe, expect, test } from 'vitest';
import { daemonOfRun } from '../../provider-docker/test/daemon-of-run.ts';
import { testImages } from '../../provider-docker/test/test-images.ts';
import { networkScenarios } from './network-scenarios.ts';
import { runScenario } from './run-scenario.ts';
import { secretScenarios } from './secret-scenarios.ts';

/** What depends on the provider. All of them are in `docker.full.test.ts`. */
const scenarios = [...networkScenarios, ...secretScenarios.slice(0, 1)];

describe('containers behind withEgress', () => {
  test.each(scenarios)('$name', async (scenario) => {
    const docker = { host: daemonOfRun().host, image: testImages.debian };
    await expect(runScenario(scenario, () => ({ docker }))).resolves.toBeUndefined();
  });
});
