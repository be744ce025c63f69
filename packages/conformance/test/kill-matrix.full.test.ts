import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checks, mutants, runMutants } from '../src/index.ts';
import { subjects } from './subjects.ts';

test('each mutant against the whole suite', { timeout: 60 * 60_000 }, async () => {
  const options = { against: 'all', timeoutScale: 0.5, concurrency: 4 } as const;
  const rows = new Map<string, Set<string>>(mutants.map(({ name }) => [name, new Set()]));
  for (const load of [subjects.directory, subjects.local]) {
    for (const { name, killedBy } of await runMutants({ subject: { load }, ...options })) {
      for (const id of killedBy) rows.get(name)?.add(id);
    }
  }
  const order = checks.map(({ id }) => id);
  const matrix = {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
    checks: order,
    mutants: Object.fromEntries(
      [...rows].map(([name, ids]) => [name, order.filter((id) => ids.has(id))]),
    ),
  };
  expect([...rows].filter(([, ids]) => ids.size === 0).map(([name]) => name)).toEqual([]);
  const file = path.join(import.meta.dirname, '../kill-matrix.json');
  writeFileSync(file, `${JSON.stringify(matrix, undefined, 1)}\n`);
});
