import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runConformance, type Report } from '@gantry/conformance';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Emulated, startEmulated } from './emulated.ts';

// The whole suite over the vendor's SDK and its emulator, as `gantry conformance e2b --emulated` runs it.

const folder = path.join(import.meta.dirname, '..');
const known = JSON.parse(
  readFileSync(path.join(folder, '../../reports/e2b/known-failures.emulated-local.json'), 'utf8'),
) as Record<string, string>;

let emulated: Emulated;
let report: Report;

beforeAll(async () => {
  emulated = await startEmulated();
  Object.assign(process.env, emulated.emulator.environment);
  report = await runConformance({
    // Some checks go on in another process, which loads the package as its users do.
    subject: { load: path.join(folder, 'dist/index.js') },
    ...{ mode: 'emulated', knownFailures: known, concurrency: 8 },
    // Limits for a machine that does much else.
    timeoutScale: 6,
  });
}, 1_800_000);
afterAll(() => emulated[Symbol.asyncDispose]());

test('every check passes but those whose reason is known', () => {
  const against = report.checks
    .filter(({ status }) => status !== 'pass' && status !== 'unsupported')
    .filter(({ id, status }) => !(status === 'fail' && Object.hasOwn(known, id)));
  expect(against.map(({ id, status, message }) => `${id} ${status}: ${message ?? ''}`)).toEqual([]);
  const passed = report.checks.filter(({ status }) => status === 'pass');
  expect(passed.length).toBeGreaterThan(180);
});

test('every known failure fails', () => {
  const failed = report.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
  expect(failed.toSorted()).toEqual(Object.keys(known).toSorted());
});
