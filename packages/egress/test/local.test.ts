import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScenario, scenarios } from './run-scenario.ts';

describe('local sandboxes behind withEgress', () => {
  test.each(scenarios)('$name', async (scenario) => {
    const own = (scratch: string): object => ({
      local: { stateDirectory: path.join(scratch, 'local') },
    });
    await expect(runScenario(scenario, own)).resolves.toBeUndefined();
  });
});
