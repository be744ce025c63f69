import { unexplained } from './compare/compare.ts';
import { notCompared } from './compare/generated-results.ts';
import { rules } from './compare/rules.ts';
import type { ResultAgreement } from './outcome.ts';
import { printable } from './printable.ts';
import { renderTable } from './table.ts';

/** The table of agreement with each of the package's own results, and with all of them. */
export function agreementText(
  agreements: readonly ResultAgreement[],
  width: number | undefined,
): string {
  const row = (
    generated: string,
    document: string,
    compared: number,
    agreed: number,
    open: number,
  ) => [
    generated,
    document,
    `${agreed} of ${compared}`,
    percent(agreed, compared),
    `${compared - agreed - open}`,
    `${open}`,
  ];
  const total = { compared: 0, agreed: 0, open: 0 };
  const rows = agreements.map(({ generated, document, compared, agreed, differences }) => {
    const open = differences.filter(({ rule }) => rule === unexplained).length;
    total.compared += compared;
    total.agreed += agreed;
    total.open += open;
    return row(generated, document, compared, agreed, open);
  });
  const title = "Agreement with the package's own results, place by place:";
  const table = renderTable(
    [
      { title: 'result', shrinks: true },
      { title: 'document', shrinks: true },
      { title: 'agree', align: 'right' },
      { title: '', align: 'right' },
      { title: 'explained', align: 'right' },
      { title: 'unexplained', align: 'right' },
    ],
    [...rows, row('all', '', total.compared, total.agreed, total.open)],
    width,
  );
  const passedOver = notCompared.map(
    ({ generated, reason }) => `Not compared: ${generated}: ${reason}.`,
  );
  return [title, table, ...passedOver].join('\n');
}

/** Why results differ: each rule with its number of differences, and each one that no rule explains. */
export function differenceText(
  agreements: readonly ResultAgreement[],
  width: number | undefined,
): string {
  const all = agreements.flatMap(({ differences }) => differences);
  const rows = rules
    .map(({ id, reason }) => ({ id, reason, count: all.filter(({ rule }) => rule === id).length }))
    .filter(({ count }) => count > 0)
    .map(({ id, reason, count }) => [`${count}`, id, reason]);
  const open = agreements.flatMap(({ document, generated, differences }) =>
    differences
      .filter(({ rule }) => rule === unexplained)
      .map(
        ({ path, ours, theirs }) =>
          `UNEXPLAINED ${document} and ${generated}: ${path}: ` +
          `${printable(JSON.stringify(ours))} here, ${printable(JSON.stringify(theirs))} there`,
      ),
  );
  const table = renderTable(
    [
      { title: 'count', align: 'right' },
      { title: 'rule' },
      { title: 'why they differ', shrinks: true },
    ],
    rows,
    width,
  );
  return ['Differences:', table, ...open].join('\n');
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`;
}
