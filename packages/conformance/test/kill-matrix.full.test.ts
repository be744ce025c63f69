import { expect, test } from 'vitest';
import { writeKillMatrix } from './write-kill-matrix.ts';

test('each mutant against the whole suite', { timeout: 8 * 60 * 60_000 }, async () => {
  const matrix = await writeKillMatrix(6);
  const alive = Object.entries(matrix.mutants).filter(([, ids]) => ids.length === 0);
  expect(alive.map(([name]) => name)).toEqual([]);
});
