import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checks, mutants } from '../src/index.ts';

const file = path.join(import.meta.dirname, '../kill-matrix.json');

test('the committed kill matrix is of this suite', () => {
  expect(existsSync(file), 'kill-matrix.json is made by the full tests').toBe(true);
  const matrix = JSON.parse(readFileSync(file, 'utf8')) as {
    checks: string[];
    mutants: Record<string, string[]>;
  };
  expect(matrix.checks.toSorted()).toEqual(checks.map(({ id }) => id).toSorted());
  expect(Object.keys(matrix.mutants).toSorted()).toEqual(
    mutants.map(({ name }) => name).toSorted(),
  );
});
