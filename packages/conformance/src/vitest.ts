import { afterAll, beforeAll, describe, test } from 'vitest';
import { profileOf } from './check.ts';
import { checks as wholeSuite } from './checks/index.ts';
import { runConformance, type ConformanceOptions } from './runner/run-conformance.ts';
import type { CheckReport, Report } from './runner/report.ts';

/** How long the whole suite may take before vitest gives up on it, before the scale. */
const suiteMs = 300_000;

/**
 * Declares the suite as vitest tests: one run for all, one test for each check. A check that is
 * unsupported passes, since its twin has proved it; everything else that is no pass fails.
 */
export function describeConformance(options: ConformanceOptions): void {
  const { checks: suite = wholeSuite, profiles, only } = options;
  const selected = suite.filter(
    (check) => (profiles?.includes(profileOf(check)) ?? true) && (only?.includes(check.id) ?? true),
  );
  const control = new AbortController();
  const signal = options.signal
    ? AbortSignal.any([options.signal, control.signal])
    : control.signal;
  describe('conformance', () => {
    let report: Report | undefined;
    beforeAll(
      async () => {
        report = await runConformance({ ...options, signal });
      },
      suiteMs * Math.max(1, options.timeoutScale ?? 1),
    );
    afterAll(() => control.abort());
    for (const { id, title } of selected) {
      // oxlint-disable-next-line vitest/expect-expect -- the assertions were made in the run
      test(`${id}: ${title}`, () => {
        const result = report?.checks.find((candidate) => candidate.id === id);
        if (result?.status !== 'pass' && result?.status !== 'unsupported')
          throw problem(id, result);
      });
    }
  });
}

function problem(id: string, result: CheckReport | undefined): Error {
  return new Error(`${id} ${result?.status ?? 'did not run'}: ${result?.message ?? ''}`);
}
