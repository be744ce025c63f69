/** The part of vitest's JSON report that decides what counts. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** How a test run counts, with one line for each thing that failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly reasons: readonly string[];
}

/**
 * Counts a vitest run so that nothing but a passed test reads as success: a skipped or todo test, a file that could
 * not be loaded or that the run left out, an empty run, a crash and an error outside every test each count as failed.
 *
 * `report` is undefined where vitest wrote none; `expectedFiles` are absolute paths, as the report has them.
 */
export function tally(
  report: VitestReport | undefined,
  exitCode: number,
  expectedFiles: readonly string[],
): Tally {
  if (report === undefined)
    return { passed: 0, failed: 1, reasons: [`vitest wrote no report (code ${exitCode})`] };
  let passed = 0;
  const reasons: string[] = [];
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else reasons.push(`${test.status}: ${file.name}: ${test.fullName}`);
    }
    const explained = file.assertionResults.some(({ status }) => status !== 'passed');
    if (file.assertionResults.length === 0 || (file.status !== 'passed' && !explained)) {
      reasons.push(`${file.status}: ${file.name}: ${file.message || 'the file ran no test'}`);
    }
  }
  const reported = new Set(report.testResults.map(({ name }) => name));
  for (const file of expectedFiles) if (!reported.has(file)) reasons.push(`not run: ${file}`);
  if (passed + reasons.length === 0) reasons.push('vitest ran no test');
  if (exitCode !== 0 && reasons.length === 0) {
    reasons.push(
      `vitest ended with code ${exitCode} although each test passed: an error outside the tests`,
    );
  }
  return { passed, failed: reasons.length, reasons };
}
