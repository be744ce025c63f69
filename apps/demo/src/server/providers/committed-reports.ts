import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Report } from '@gantry/conformance';
import { SandboxError } from '@gantry/core';
import type { ReportSummary } from '../../protocol/providers.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..', '..', '..');

/** The checkout's reports. */
export const reportsDirectory: string = path.join(root, 'reports');

const spec = 'gantry-conformance-report/1';

/** Every committed report, by its name. */
export async function committedReports(): Promise<ReadonlyMap<string, Report>> {
  const names = (await readdir(reportsDirectory))
    .filter((file) => file.endsWith('.json') && !file.endsWith('.badge.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .toSorted();
  const reports = await Promise.all(
    names.map(async (name) => [name, await committedReport(name)] as const),
  );
  return new Map(reports);
}

/** One committed report. `not-found` where there is none of that name. */
export async function committedReport(name: string): Promise<Report> {
  const missing = `there is no committed report ${JSON.stringify(name)}`;
  if (!/^[a-z0-9-]+$/.test(name)) throw new SandboxError('not-found', missing);
  try {
    const text = await readFile(path.join(reportsDirectory, `${name}.json`), 'utf8');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- part of this checkout, and the next line looks at its spec
    const report = JSON.parse(text) as Report;
    if (report.spec === spec) return report;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  throw new SandboxError('not-found', missing);
}

/** What a list shows of a report. */
export function summarize(name: string, report: Report): ReportSummary {
  const count = (status: string): number =>
    report.checks.filter((check) => check.status === status).length;
  return {
    name,
    provider: report.subject.name,
    mode: report.mode,
    ...(name === report.subject.name
      ? {}
      : { on: name.slice(`${report.subject.name}-on-`.length) }),
    isolation: report.subject.isolation,
    conformant: report.conformant,
    profiles: Object.entries(report.profiles)
      .filter(([, { supported }]) => supported)
      .map(([profile, { status }]) => ({ name: profile, kept: status === 'conformant' })),
    passed: count('pass'),
    applicable: report.checks.length - count('unsupported'),
    date: report.startedAt.slice(0, 10),
    href: `/api/conformance/reports/${name}.html`,
  };
}
