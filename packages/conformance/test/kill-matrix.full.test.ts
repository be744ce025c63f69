import { afterAll, expect, test } from 'vitest';
import { withOwnState } from './own-state.ts';
import { writeKillMatrix } from './write-kill-matrix.ts';

afterAll(withOwnState());

test('each mutant against the whole suite', { timeout: 60 * 60_000 }, async () => {
  const matrix = await writeKillMatrix('all', { timeoutScale: 0.35, concurrency: 8 });
  const alive = Object.entries(matrix.mutants).filter(([, ids]) => ids.length === 0);
  expect(alive.map(([name]) => name)).toEqual([]);
});
