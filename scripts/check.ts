import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { checkChangesets } from './check-changesets.ts';
import { checkPackages } from './check-packages.ts';
import { pretty, root, runCommand, type Finished } from './repository.ts';
import { runAlone, settle, tally, type VitestReport } from './vitest-report.ts';

// Runs every check of the repository and ends with the one line `N passed, N failed`.

const { values: options } = parseArgs({
  options: {
    /** Also the tests in `*.full.test.ts`. */
    full: { type: 'boolean', default: false },
    /** Only the two type checks. */
    types: { type: 'boolean', default: false },
  },
});

const count = { passed: 0, failed: 0 };

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function report(name: string, ok: boolean, since: number, output: string): void {
  count[ok ? 'passed' : 'failed'] += 1;
  process.stdout.write(`${name.padEnd(36)} ${ok ? 'ok    ' : 'FAILED'}  ${seconds(since)}\n`);
  if (!ok && output !== '') process.stdout.write(`${output.trimEnd()}\n\n`);
}

async function staticCheck(name: string, check: () => Promise<Finished>): Promise<void> {
  const since = performance.now();
  const { code, output } = await check();
  report(name, code === 0, since, output);
}

async function packageChecks(): Promise<void> {
  const since = performance.now();
  const { verdicts, output } = await checkPackages();
  for (const { name, ok } of verdicts) report(name, ok, since, '');
  if (verdicts.some(({ ok }) => !ok)) process.stdout.write(`${output.trimEnd()}\n\n`);
}

function readReport(file: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch (error) {
    // No report at all is counted as a failure; half a report is one too.
    process.stdout.write(`vitest's report cannot be read: ${String(error)}\n`);
    return undefined;
  }
}

/** Runs vitest once, shown as it goes. */
async function runTests(
  args: readonly string[],
): Promise<{ report: VitestReport | undefined; code: number }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-check-'));
  try {
    const file = path.join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const run = ['run', '--allowOnly=false', ...reporters, ...args];
    const { code } = await runCommand('vitest', run, { show: true });
    return { report: readReport(file), code };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tests(label: string, selection: string, files: readonly string[]): Promise<void> {
  const since = performance.now();
  const first = await runTests([selection]);
  let result = tally(first.report, first.code, files);
  const again = runAlone(result);
  if (again) {
    process.stdout.write('\nOnce more, one file at a time, what failed beside the others:\n');
    const only = ['--no-file-parallelism', '--testNamePattern', again.pattern];
    const alone = await runTests([selection, ...only, ...again.files]);
    result = settle(result, alone.report);
    for (const test of result.unsteady)
      process.stdout.write(`UNSTEADY (failed beside others, passed alone; mend it): ${test}\n`);
  }
  const { passed, failed, reasons } = result;
  count.passed += passed;
  count.failed += failed;
  for (const reason of reasons) process.stdout.write(`${reason}\n`);
  const verdict = failed === 0 ? 'ok    ' : 'FAILED';
  process.stdout.write(
    `${label.padEnd(36)} ${verdict}  ${seconds(since)}  (${passed} passed, ${failed} failed)\n`,
  );
}

const isLonger = (file: string): boolean => file.endsWith('.full.test.ts');

function testFiles(): string[] {
  const ignored = (name: string): boolean =>
    name === 'node_modules' || name === 'dist' || name === '.snippets';
  return globSync('{packages,examples,apps,bench,tests,scripts}/**/*.test.ts', {
    cwd: root,
    exclude: (name) => ignored(path.basename(name)),
  }).map((file) => path.join(root, file));
}

/** Starts the jobs in their order, at most two at once. */
async function inPairs(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...jobs];
  async function work(): Promise<void> {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  }
  await Promise.all([work(), work()]);
}

const typesOfTests = (): Promise<void> =>
  staticCheck('types of tests and scripts', () =>
    runCommand('tsc', ['-b', 'tsconfig.tests.json', ...pretty]),
  );

await staticCheck('build and types of sources', build);
if (options.types) {
  await typesOfTests();
} else {
  await inPairs([
    packageChecks,
    typesOfTests,
    () => staticCheck('lint (oxlint)', () => runCommand('oxlint', ['--deny-warnings'])),
    () => staticCheck('format (oxfmt)', () => runCommand('oxfmt', ['--check'])),
    () =>
      staticCheck('unused code and packages (knip)', () =>
        runCommand('knip', ['--no-config-hints']),
      ),
    () => staticCheck('changesets', checkChangesets),
  ]);
  const files = testFiles();
  await tests(
    'tests (vitest)',
    '--project=!full',
    files.filter((file) => !isLonger(file)),
  );
  if (options.full) {
    const longer = files.filter(isLonger);
    if (longer.length > 0) await tests('longer tests (vitest)', '--project=full', longer);
    else
      process.stdout.write(
        'longer tests: the repository has no *.full.test.ts yet, so none was run\n',
      );
  }
}
process.stdout.write(`\n${count.passed} passed, ${count.failed} failed\n`);
process.exitCode = count.failed === 0 ? 0 : 1;
