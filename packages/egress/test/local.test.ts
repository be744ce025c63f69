import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withEgress } from '../src/index.ts';
import { mostPending, networkScenarios } from './network-scenarios.ts';
import { secretScenarios } from './secret-scenarios.ts';
import { startWorld } from './upstream.ts';

const scenarios = [...networkScenarios, ...secretScenarios];
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-egress-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('local sandboxes behind withEgress', () => {
  test.each(scenarios)('$name', async ({ name, run }) => {
    const directory = path.join(scratch, String(scenarios.findIndex((one) => one.name === name)));
    mkdirSync(directory);
    await using world = await startWorld();
    const provider = withEgress(local({ stateDirectory: path.join(directory, 'local') }), {
      stateDirectory: path.join(directory, 'egress'),
      lookup: world.lookup,
      maxPending: mostPending,
      authorities: [world.authority],
    });
    await expect(run({ provider, world, scratch: directory })).resolves.toBeUndefined();
  });
});
