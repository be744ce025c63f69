import { expect, test } from 'vitest';
import { runAlone, settle, tally, type VitestReport } from '../scripts/vitest-report.ts';

const EXPECTED = ['a.test.ts'];

const file = (status: string, ...tests: string[]): VitestReport['testResults'][number] => ({
  name: 'a.test.ts',
  status,
  message: '',
  assertionResults: tests.map((result, index) => ({
    ancestorTitles: [],
    title: `test ${index}`,
    status: result,
  })),
});

test.each<[string, VitestReport | undefined, number, number, number]>([
  ['only passed tests', { testResults: [file('passed', 'passed', 'passed')] }, 0, 2, 0],
  ['a failed test', { testResults: [file('failed', 'passed', 'failed')] }, 1, 1, 1],
  ['a skipped test', { testResults: [file('passed', 'passed', 'skipped')] }, 0, 1, 1],
  ['a pending and a todo test', { testResults: [file('passed', 'pending', 'todo')] }, 0, 0, 2],
  [
    'a file that cannot be loaded',
    { testResults: [file('passed', 'passed'), file('failed')] },
    1,
    1,
    1,
  ],
  ['a file without tests', { testResults: [file('passed')] }, 0, 0, 1],
  ['a file whose clean-up failed', { testResults: [file('failed', 'passed')] }, 1, 1, 1],
  ['no file', { testResults: [] }, 0, 0, 1],
  [
    'a file that was left out',
    { testResults: [{ ...file('passed', 'passed'), name: 'b.test.ts' }] },
    0,
    1,
    1,
  ],
  ['an error outside the tests', { testResults: [file('passed', 'passed')] }, 1, 1, 1],
  ['no report', undefined, 139, 0, 1],
  ['no report but a good ending', undefined, 0, 0, 1],
])('%s counts', (_name, report, exitCode, passed, failed) => {
  expect(tally(report, exitCode, EXPECTED)).toMatchObject({ passed, failed });
});

test('an empty run counts as failed even where nothing was expected', () => {
  expect(tally({ testResults: [] }, 0, [])).toMatchObject({ passed: 0, failed: 1 });
});

test('a test that fails beside others and passes alone counts as passed, and is named', () => {
  const first = tally({ testResults: [file('failed', 'passed', 'failed')] }, 1, EXPECTED);
  expect(runAlone(first)).toEqual({ files: ['a.test.ts'], pattern: '^(?:test 1)$' });
  const passed = { testResults: [file('passed', 'skipped', 'passed')] };
  expect(settle(first, passed)).toMatchObject({
    ...{ passed: 2, failed: 0, reasons: [] },
    unsteady: ['a.test.ts: test 1'],
  });
});

test.each<[string, VitestReport | undefined]>([
  ['failed again', { testResults: [file('failed', 'skipped', 'failed')] }],
  ['was not run again', { testResults: [file('passed', 'passed', 'skipped')] }],
  ['was run again without a report', undefined],
])('a test that %s stays failed', (_name, alone) => {
  const first = tally({ testResults: [file('failed', 'passed', 'failed')] }, 1, EXPECTED);
  expect(settle(first, alone)).toEqual(first);
});

test('of two tests that failed, each is judged by itself', () => {
  const first = tally({ testResults: [file('failed', 'failed', 'failed')] }, 1, EXPECTED);
  const alone = { testResults: [file('failed', 'passed', 'failed')] };
  expect(settle(first, alone)).toMatchObject({
    ...{ passed: 1, failed: 1, reasons: ['failed: a.test.ts: test 1'] },
    unsteady: ['a.test.ts: test 0'],
  });
});

test('names are matched as they are, and nothing else is', () => {
  const odd = { ancestorTitles: ['a (b)', '[c]'], title: 'x.y|z? $1', status: 'failed' };
  const report = { testResults: [{ ...file('failed'), assertionResults: [odd] }] };
  const { pattern } = runAlone(tally(report, 1, EXPECTED)) ?? { pattern: '' };
  expect(new RegExp(pattern).test('a (b) > [c] > x.y|z? $1')).toBe(true);
  expect(new RegExp(pattern).test('a (b) > [c] > xxy|z? $1')).toBe(false);
});

test('what was skipped, did not load or failed all over is not run once more', () => {
  const skipped = [file('failed', 'failed', 'skipped')];
  expect(runAlone(tally({ testResults: skipped }, 1, EXPECTED))).toBeUndefined();
  expect(runAlone(tally({ testResults: [file('failed')] }, 1, EXPECTED))).toBeUndefined();
  const many = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ ...file('failed', 'failed'), name }));
  expect(runAlone(tally({ testResults: many }, 1, []))).toBeUndefined();
  expect(runAlone(tally({ testResults: [file('passed', 'passed')] }, 0, []))).toBeUndefined();
});
