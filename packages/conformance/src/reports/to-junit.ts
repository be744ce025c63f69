import type { CheckReport, Report } from '../runner/report.ts';
import { escapeMarkup } from './escape-markup.ts';

/** A report as JUnit XML: one test suite for each profile. `untestable` and `error` are errors, `unsupported` is skipped. */
export function toJUnit(report: Report): string {
  const suites = Object.keys(report.profiles).map((name) => {
    const own = report.checks.filter(({ id }) => id.startsWith(`${name}/`));
    const count = (...statuses: string[]): number =>
      own.filter(({ status }) => statuses.includes(status)).length;
    const facts = `tests="${own.length}" failures="${count('fail')}" errors="${count('error', 'untestable')}" skipped="${count('unsupported')}"`;
    const seconds = own.reduce((sum, { ms }) => sum + ms, 0) / 1_000;
    return `  <testsuite name="${escapeMarkup(name)}" ${facts} time="${seconds}">\n${own.map(testCase).join('\n')}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeMarkup(`gantry conformance of ${report.subject.name} (${report.mode})`)}" time="${report.ms / 1_000}">\n${suites.join('\n')}\n</testsuites>\n`;
}

function testCase(check: CheckReport): string {
  const { id, title, status, ms, message = '' } = check;
  const attributes = `name="${escapeMarkup(`${id}: ${title}`)}" classname="${escapeMarkup(id.replace('/', '.'))}" time="${ms / 1_000}"`;
  if (status === 'pass') return `    <testcase ${attributes}/>`;
  const tag = status === 'fail' ? 'failure' : status === 'unsupported' ? 'skipped' : 'error';
  return `    <testcase ${attributes}><${tag} message="${escapeMarkup(message)}"/></testcase>`;
}
