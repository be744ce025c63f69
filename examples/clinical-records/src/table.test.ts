import { expect, test } from 'vitest';
import { columns, printable } from './printable.ts';
import { renderTable } from './table.ts';

const rows = [
  ['sense/VA_My_HealtheVet_Blue_Button_Sample_Version_12_6', '1'],
  ['short', '22'],
];
const table = [
  { title: 'document', shrinks: true },
  { title: 'n', align: 'right' as const },
];

test('columns line up, without space at the end of a line', () => {
  expect(
    renderTable(table, [
      ['a', '1'],
      ['bcd', '22'],
    ]),
  ).toBe(['document   n', '--------  --', 'a          1', 'bcd       22'].join('\n'));
});

test('a table that is too wide takes the middle of long values out', () => {
  const lines = renderTable(table, rows, 30).split('\n');
  expect(lines.map(columns)).toEqual([30, 30, 30, 30]);
  expect(lines[2]).toMatch(/^sense\/VA….*_12_6 +1$/);
});

test('wide characters count two columns, and so do emoji', () => {
  expect(['añ', '漢字', '😀', 'é'].map(columns)).toEqual([2, 4, 2, 1]);
  expect(
    renderTable(table, [
      ['漢字', '1'],
      ['abcd', '1'],
    ])
      .split('\n')
      .slice(2),
  ).toEqual(['漢字      1', 'abcd      1']);
});

test('color goes around the padded value, so that columns still line up', () => {
  const painted = [{ title: 'state', paint: (cell: string) => `<${cell}>` }, { title: 'n' }];
  expect(renderTable(painted, [['ok', '1']]).split('\n')[2]).toBe('<ok   >  1');
});

test('characters that drive a terminal are replaced', () => {
  expect(printable('a\u001B[31mb\u202Ec\u0085\n')).toBe('a\uFFFD[31mb\uFFFDc\uFFFD\uFFFD');
});
