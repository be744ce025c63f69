import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hostileGuests } from './hostile-guests.ts';
import { scenarios } from './scenarios.ts';

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** The attacks that a provider of local sandboxes answers for. */
const numbers = [...range(1, 25), ...range(37, 39)];

const rows = readFileSync(path.join(import.meta.dirname, '../hostile-guests.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (#|attack) /.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

/** What the last cell of a line names between backquotes: scenarios, or files of tests. */
const named = (cells: readonly string[]): string[] =>
  [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? []);

test('the list of attacks has every number once, and each a test or why it cannot hold', () => {
  const numbered = rows.filter((cells) => cells.length === 4);
  expect(numbered.map(([number]) => Number(number)).toSorted((a, b) => a - b)).toEqual(numbers);
  for (const cells of rows) {
    expect(
      named(cells).length > 0 || /cannot hold: .{20}/.test(cells.at(-1) ?? ''),
      cells.join(),
    ).toBe(true);
  }
});

test('what the list names is tried, and every hostile scenario is in the list', () => {
  const names = new Set(scenarios.map(({ name }) => name));
  const isTest = (name: string): boolean =>
    names.has(name) ||
    (name.endsWith('.test.ts') && existsSync(path.resolve(import.meta.dirname, '../../..', name)));
  const quoted = rows.flatMap(named);
  expect(quoted.filter((name) => !isTest(name))).toEqual([]);
  expect(hostileGuests.map(({ name }) => name).filter((name) => !quoted.includes(name))).toEqual(
    [],
  );
});
