import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  ['90', 90_000],
  ['0.5', 500],
  ['1m30s', 90_000],
  ['500ms', 500],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
])('%s is a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '-1', '1x', '1m 30s', 'm', '0', '0ms', '1e3', '25d', '90 '])(
  '%j is no duration',
  (text) => {
    expect(() => parseDuration(text)).toThrow(/Expected/);
  },
);

test('a duration for people has two units at most', () => {
  const shown = [3, 999, 45_000, 200_000, 7_500_000, 90_000_000].map(formatDuration);
  expect(shown).toEqual(['3ms', '999ms', '45s', '3m20s', '2h5m', '1d1h']);
});
