import { expect, test, vi } from 'vitest';
import { crashAndVerify } from './crash-rounds.ts';
import { changeAtRandom } from './random-trees.ts';
import { toolSets } from './workspaces.ts';

// A slow machine needs an hour for what a fast one does in minutes.
vi.setConfig({ testTimeout: 3_600_000 });

test.each(toolSets)('many random changes come back exactly, with %s tools', async (tools) => {
  await expect(changeAtRandom(tools, 60)).resolves.toBeUndefined();
});

test('a capture that is killed at many moments leaves a store that is whole', async () => {
  expect(await crashAndVerify(25)).toEqual({ killed: 25, problems: [] });
});
