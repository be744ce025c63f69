import { checks } from '@gantry/conformance';
import { describe, expect, test } from 'vitest';
import {
  committedReports,
  reportDocument,
  withReportTable,
} from '../scripts/conformance-reports.ts';
import { readText } from './repository-files.ts';

// The reports that are shown are of this suite, and what is shown of them is what they say.

const reports = committedReports();
const ids = checks.map(({ id }) => id);

test('there is a report of the provider that comes without a vendor', () => {
  expect([...reports.keys()]).toContain('local');
});

test("the README's table is made of the reports", () => {
  const readme = readText('README.md');
  expect(withReportTable(readme, reports)).toBe(readme);
});

describe.each([...reports])('the report of %s', (name, report) => {
  test('is of every check of this suite, unfiltered', () => {
    expect(report.filtered).toBe(false);
    expect(report.checks.map(({ id }) => id)).toEqual(ids);
  });

  test('is what its document and its badge say', () => {
    expect(readText(`reports/${name}.md`)).toBe(reportDocument(name, report));
    const badge = JSON.parse(readText(`reports/${name}.badge.json`)) as { message: string };
    expect(badge.message).toContain(report.mode === 'live' ? '' : 'emulated');
    expect(badge.message).toContain(report.subject.isolation);
  });

  test('has no failure that is not known', () => {
    const against = report.checks.filter(
      ({ status, known }) => status !== 'pass' && status !== 'unsupported' && known === undefined,
    );
    expect(against.map(({ id }) => id)).toEqual([]);
  });
});
