import { expect, test } from 'vitest';
import { runSuite } from './run-suite.ts';

test('the whole suite finds nothing against the provider', { timeout: 3_600_000 }, async () => {
  const { passed, against } = await runSuite();
  expect(against).toEqual([]);
  expect(passed).toBeGreaterThan(200);
});
