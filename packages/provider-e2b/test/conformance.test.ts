import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CheckReport, runConformance } from '@gantry/conformance';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Emulated, startEmulated } from './emulated.ts';

// The whole suite over the vendor's SDK and its emulator, as `gantry conformance e2b --emulated` runs it.

const folder = path.join(import.meta.dirname, '..');
const known = JSON.parse(
  readFileSync(path.join(folder, '../../reports/e2b/known-failures.json'), 'utf8'),
) as Record<string, string>;

let emulated: Emulated;
let checks: readonly CheckReport[];

beforeAll(async () => {
  emulated = await startEmulated();
  Object.assign(process.env, emulated.emulator.environment);
  const options = {
    // Some checks go on in another process, which loads the package as its users do.
    subject: { load: path.join(folder, 'dist/index.js') },
    mode: 'emulated',
    // Limits for a machine that does much else.
    timeoutScale: 12,
  } as const;
  const { checks: first } = await runConformance({ ...options, concurrency: 6 });
  // What failed beside the others has another turn alone: each check has limits of time within itself.
  const only = first.filter(failed).map(({ id }) => id);
  const alone =
    only.length > 0 ? await runConformance({ ...options, concurrency: 1, only }) : undefined;
  const again = new Map(alone?.checks.map((check) => [check.id, check]));
  checks = first.map((check) => (failed(check) ? (again.get(check.id) ?? check) : check));
}, 1_800_000);
afterAll(() => emulated[Symbol.asyncDispose]());

const failed = ({ status }: CheckReport): boolean => status !== 'pass' && status !== 'unsupported';

test('every check passes but those whose reason is known', () => {
  const against = checks.filter((check) => failed(check) && !Object.hasOwn(known, check.id));
  expect(against.map(({ id, status, message }) => `${id} ${status}: ${message ?? ''}`)).toEqual([]);
  expect(checks.filter(({ status }) => status === 'pass').length).toBeGreaterThan(180);
});

test('every known failure fails', () => {
  expect(
    checks
      .filter(failed)
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(Object.keys(known).toSorted());
});
