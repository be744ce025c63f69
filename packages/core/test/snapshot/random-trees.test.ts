import { expect, test } from 'vitest';
import { changeAtRandom } from './random-trees.ts';
import { toolSets } from './workspaces.ts';

test.each(toolSets)(
  'random changes come back exactly, with %s tools',
  { timeout: 240_000 },
  async (tools) => {
    await expect(changeAtRandom(tools, 4)).resolves.toBeUndefined();
  },
);
