import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './repository.ts';

// What people read of the committed conformance reports, made from the reports alone.

/** What of a committed report is shown; the rest is for the page beside it. */
export interface CommittedReport {
  readonly suite: { readonly version: string; readonly requirements: string };
  readonly subject: { readonly name: string; readonly isolation: string };
  readonly mode: 'live' | 'emulated';
  readonly environment: { readonly node: string; readonly os: string; readonly arch: string };
  readonly seed: number;
  readonly startedAt: string;
  readonly ms: number;
  readonly concurrency: number;
  readonly timeoutScale: number;
  readonly filtered: boolean;
  readonly conformant: boolean;
  readonly profiles: Readonly<
    Record<
      string,
      {
        readonly status: string;
        readonly supported: boolean;
        readonly checks: Readonly<Record<string, number>>;
      }
    >
  >;
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly known?: string;
  }[];
  readonly weaker: Readonly<Record<string, string>>;
}

const BEGIN = '<!-- conformance: made by npm run reports -->';
const END = '<!-- conformance: end -->';

/** Every committed report, by its place below `reports/`. */
export function committedReports(): ReadonlyMap<string, CommittedReport> {
  const reports = new Map<string, CommittedReport>();
  for (const file of globSync('reports/**/*.json', { cwd: root }).toSorted()) {
    const document: unknown = JSON.parse(readFileSync(path.join(root, file), 'utf8'));
    const isReport =
      typeof document === 'object' && document !== null && 'spec' in document
        ? document.spec === 'gantry-conformance-report/1'
        : false;
    // Beside the reports there are badges and lists of known failures.
    if (isReport)
      reports.set(file.slice('reports/'.length, -'.json'.length), document as CommittedReport);
  }
  return reports;
}

const verdictOf = (report: CommittedReport): string => {
  if (report.conformant) return 'conformant';
  const broken = Object.entries(report.profiles).filter(
    ([, { status }]) => status !== 'conformant',
  );
  return `not in ${broken.map(([name]) => name).join(', ')}`;
};

/** The README's table of providers: one row for each report. */
export function reportTable(reports: ReadonlyMap<string, CommittedReport>): string {
  const rows = [...reports].map(([name, report]) => {
    const profiles = Object.values(report.profiles);
    const declared = profiles.filter(({ supported }) => supported);
    const kept = declared.filter(({ status }) => status === 'conformant').length;
    const passed = report.checks.filter(({ status }) => status === 'pass').length;
    const undeclared = report.checks.filter(({ status }) => status === 'unsupported').length;
    const cells = [
      `[\`${name}\`](reports/${name}.md)`,
      verdictOf(report),
      report.mode,
      report.subject.isolation,
      `${kept} of ${declared.length}`,
      `${passed} of ${report.checks.length - undeclared}`,
      report.startedAt.slice(0, 10),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| provider | verdict | mode | isolation | profiles kept, of those it declares | checks passed, of those that apply | measured |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** A text with the table of reports between its marks. Throws when it has no marks. */
export function withReportTable(
  text: string,
  reports: ReadonlyMap<string, CommittedReport>,
): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README has no ${BEGIN} … ${END}`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${reportTable(reports)}\n\n${text.slice(end)}`;
}

/** The name of a provider's report; of one on an emulator that has another backend than local, with that. */
export function reportName(provider: string, on?: string): string {
  return on === undefined ? provider : `${provider}-on-${on}`;
}

/** The document beside a report: what it says, and how to get it again. */
export function reportDocument(name: string, report: CommittedReport): string {
  const { environment, subject, suite } = report;
  const on = name === subject.name ? undefined : name.slice(`${subject.name}-on-`.length);
  const profiles = Object.entries(report.profiles).map(
    ([profile, { status, supported, checks }]) => {
      const failed = (checks['fail'] ?? 0) + (checks['untestable'] ?? 0) + (checks['error'] ?? 0);
      const verdict = supported ? status : `${status}: not declared, and said so`;
      return `| ${profile} | ${verdict} | ${checks['pass'] ?? 0} | ${failed} | ${checks['unsupported'] ?? 0} |`;
    },
  );
  const weaker = Object.entries(report.weaker).map(([id, message]) => `- ${id}: ${message}`);
  const options = [
    `--concurrency ${report.concurrency}`,
    `--timeout-scale ${report.timeoutScale}`,
    ...(report.mode === 'emulated' ? ['--emulated'] : []),
    ...(on === undefined ? [] : [`--on ${on}`]),
    ...(report.checks.some(({ known }) => known !== undefined)
      ? [`--known-failures reports/${name}/known-failures.json`]
      : []),
  ];
  return [
    `# Conformance of ${name}`,
    '',
    `Provider \`${subject.name}\`, isolation \`${subject.isolation}\`, ${report.mode}${on === undefined ? '' : ` on ${on}`}: **${verdictOf(report)}**. Measured on ${report.startedAt.slice(0, 10)} by suite ${suite.version}`,
    `(requirements ${suite.requirements.slice(0, 12)}), ${report.checks.length} checks in ${(report.ms / 1_000).toFixed(0)} s, on ${environment.os} (${environment.arch}) with Node ${environment.node}.`,
    `Everything is in [${name}.json](${name}.json), unedited; [${name}.html](${name}.html) is the same to read.`,
    '',
    '| profile | verdict | passed | failed | not declared |',
    '|---|---|---|---|---|',
    ...profiles,
    '',
    ...(weaker.length > 0 ? ['Protections that it does not claim:', '', ...weaker, ''] : []),
    '## Reproduce',
    '',
    'From a checkout, on a machine that has what the provider needs (`npx gantry doctor` says):',
    '',
    '```sh',
    `npm run reports -- ${subject.name} ${options.join(' ')}`,
    '```',
    '',
    `That writes this folder's files for \`${name}\` anew. To repeat this very run, with its draws of random numbers, and keep the files:`,
    '',
    '```sh',
    `npx gantry conformance ${subject.name} ${options.join(' ')} --seed ${report.seed} --report again.json`,
    '```',
    '',
  ].join('\n');
}
