import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { sample, sampleRecord } from '../../test/samples.ts';
import type { ClinicalRecord } from '../guest/record.ts';
import { compareWithGenerated } from './compare.ts';
import type { Agreement } from './compare.ts';
import { generatedPairs } from './generated-results.ts';
import { rules } from './rules.ts';

async function compare(generated: string, change?: (text: string) => string): Promise<Agreement> {
  const pair = generatedPairs.find((one) => one.generated === generated);
  const text = (await sample(generated)).toString();
  return compareWithGenerated(
    await sampleRecord(pair?.document ?? ''),
    change === undefined ? text : change(text),
  );
}

function countRules({ differences }: Agreement): Record<string, number> {
  const groups = Map.groupBy(differences, ({ rule }) => rule);
  return Object.fromEntries([...groups].map(([rule, list]) => [rule, list.length]));
}

test.each<[string, number, number, Record<string, number>]>([
  [
    'test/fixtures/generated/CCD_1.json',
    64,
    71,
    { 'code-system-renamed': 2, 'use-spelled-out': 4, utc: 1 },
  ],
  [
    'test/fixtures/generated/SampleCCDDocument.json',
    14,
    16,
    { 'code-system-renamed': 1, 'display-name-looked-up': 1 },
  ],
  [
    'test/fixtures/generated/VA_CCD_Sample_File_Version_12_5_1.json',
    21,
    48,
    {
      'code-system-renamed': 1,
      'time-of-day-dropped': 12,
      'undivided-name-split': 12,
      'use-spelled-out': 2,
    },
  ],
  ['example/cms.json', 9, 16, { 'assumed-for-cms': 3, 'empty-text': 1, 'undivided-name-split': 3 }],
])(
  '%s: the agreement, and every difference under a rule',
  async (generated, agreed, compared, by) => {
    const agreement = await compare(generated);
    expect([agreement.agreed, agreement.compared]).toEqual([agreed, compared]);
    expect(countRules(agreement)).toEqual(by);
  },
);

test('no difference of any pair is unexplained, no rule is idle, and the README tells the numbers', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const used = new Map<string, number>();
  for (const { generated } of generatedPairs) {
    const { agreed, compared, differences } = await compare(generated);
    const numbers = `${agreed} of ${compared} (${((100 * agreed) / compared).toFixed(1)} %)`;
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${generated}\` |`));
    expect(row).toContain(`| ${numbers} | ${differences.length} | 0 |`);
    for (const { rule } of differences) used.set(rule, (used.get(rule) ?? 0) + 1);
  }
  expect([...used.keys()].toSorted()).toEqual(rules.map(({ id }) => id).toSorted());
  for (const [rule, count] of used) expect(readme).toContain(`| \`${rule}\` | ${count} |`);
});

describe('what no rule covers is unexplained', () => {
  const file = 'test/fixtures/generated/CCD_1.json';

  async function open(change: (text: string) => string, generated = file): Promise<string[]> {
    const { differences } = await compare(generated, change);
    return differences.filter(({ rule }) => rule === 'unexplained').map(({ path }) => path);
  }

  test.each<[string, string | RegExp, string, string[]]>([
    ['another name', '"Isabella"', '"Isabelle"', ['demographics.name.first']],
    ['another birth date', '1975-05-01T', '1975-05-02T', ['demographics.dob.point.date']],
    [
      'another instant',
      '2009-02-27T08:00',
      '2009-02-27T09:00',
      ['encounters[0].date_time.point.date'],
    ],
    [
      'another use',
      '"use": "primary home"',
      '"use": "work place"',
      ['demographics.addresses[0].use'],
    ],
    ['another code', '"99213"', '"99214"', ['encounters[0].encounter.code']],
    [
      'another code system',
      /("AMB",\s+"code_system_name": )"ActCode"/,
      '$1"LOINC"',
      ['encounters[0].encounter.translations[0].code_system_name'],
    ],
    [
      'a missing place',
      '"name": "Community Urgent Care Center",',
      '',
      ['encounters[0].locations[0].name'],
    ],
  ])('%s', async (_, from, to, paths) => {
    expect(await open((text) => text.replace(from, to))).toEqual(paths);
  });

  test('a missing encounter', async () => {
    const paths = await open((text) => {
      const value = JSON.parse(text) as { data: { encounters: unknown[] } };
      value.data.encounters = [];
      return JSON.stringify(value, null, 2);
    });
    expect(paths).toContain('encounters.length');
    expect(paths).toContain('encounters[0].encounter.code');
  });

  test('a time of day that is dropped from another day', async () => {
    const generated = 'test/fixtures/generated/VA_CCD_Sample_File_Version_12_5_1.json';
    const paths = await open((text) => text.replace('2012-12-10T', '2012-12-11T'), generated);
    expect(paths).toEqual([
      'encounters[0].date_time.low.date',
      'encounters[0].date_time.low.precision',
    ]);
  });

  test('a field that our extractor loses', async () => {
    const record = await sampleRecord('test/fixtures/parser-ccda/CCD_1.xml');
    const { maritalStatus: _, ...patient } = record.patient;
    const lossy: ClinicalRecord = { ...record, patient };
    const { differences } = compareWithGenerated(lossy, (await sample(file)).toString());
    expect(differences.filter(({ rule }) => rule === 'unexplained')).toEqual([
      { path: 'demographics.marital_status', ours: null, theirs: 'Married', rule: 'unexplained' },
    ]);
  });

  test('the result of another patient', async () => {
    const other = await sampleRecord('test/fixtures/parser-ccd/SampleCCDDocument.xml');
    const { differences } = compareWithGenerated(other, (await sample(file)).toString());
    expect(differences.filter(({ rule }) => rule === 'unexplained').length).toBeGreaterThan(20);
  });
});
