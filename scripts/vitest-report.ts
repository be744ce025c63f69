/** The part of vitest's JSON report that decides what counts. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

/** How a test run counts, with one line for each thing that failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly reasons: readonly string[];
  /** Of the failed, those tests that were run to their end and did not pass, as `FILE: NAME`. */
  readonly broken: readonly { readonly file: string; readonly test: string }[];
  /** Tests that failed beside others and passed alone. They count as passed, and are named. */
  readonly unsteady: readonly string[];
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
    return {
      ...{ passed: 0, failed: 1, broken: [], unsteady: [] },
      reasons: [`vitest wrote no report (code ${exitCode})`],
    };
  let passed = 0;
  const reasons: string[] = [];
  const broken: { file: string; test: string }[] = [];
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else reasons.push(`${test.status}: ${file.name}: ${fullName(test)}`);
      if (test.status === 'failed') broken.push({ file: file.name, test: fullName(test) });
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
  return { passed, failed: reasons.length, reasons, broken, unsteady: [] };
}

/** A test's name with those of what it is in, as vitest compares it with a pattern. */
function fullName({
  ancestorTitles,
  title,
}: VitestReport['testResults'][number]['assertionResults'][number]): string {
  return [...ancestorTitles, title].join(' > ');
}

/** More files than this fail for a reason of their own, not for what ran beside them. */
const mostUnsteadyFiles = 4;

/** What to run once more, alone. */
export interface Again {
  readonly files: readonly string[];
  /** Matches the names of those tests and no others, for vitest's `--testNamePattern`. */
  readonly pattern: string;
}

/** The tests to run once more, alone: where all that went wrong is tests that failed, in a few files. */
export function runAlone({ failed, broken }: Tally): Again | undefined {
  const files = [...new Set(broken.map(({ file }) => file))];
  if (failed === 0 || broken.length !== failed || files.length > mostUnsteadyFiles)
    return undefined;
  const names = new Set(broken.map(({ test }) => test.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')));
  return { files, pattern: `^(?:${[...names].join('|')})$` };
}

/** What a run counts after its failed tests were run once more, alone: one that passed then is unsteady. */
export function settle(first: Tally, alone: VitestReport | undefined): Tally {
  const passed = new Set(
    alone?.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'passed')
        .map((test) => `${name}: ${fullName(test)}`),
    ),
  );
  const label = ({ file, test }: Tally['broken'][number]): string => `${file}: ${test}`;
  const unsteady = first.broken.map(label).filter((name) => passed.has(name));
  const reasons = first.reasons.filter(
    (reason) => !unsteady.some((name) => reason === `failed: ${name}`),
  );
  return {
    ...first,
    ...{ passed: first.passed + unsteady.length, failed: reasons.length, reasons, unsteady },
  };
}
