import { expect, test } from 'vitest';
import { runSuite } from '../test/run-suite.ts';

// What the provider declares beyond the core, which its own tests cover; the full tests run every check.
const profiles = [
  ...['terminal', 'native-snapshot', 'inventory', 'ports', 'metrics', 'images'],
  ...['root', 'resources', 'processes', 'users', 'watch'],
];

test(
  'the suite finds nothing against what the provider declares',
  { timeout: 1_800_000 },
  async () => {
    const { passed, against } = await runSuite({ profiles });
    expect(against).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(25);
  },
);
