import { styleText } from 'node:util';
import { printable } from './printable.ts';

/** Rows under headings, in columns as wide as their widest cell, for stdout. Ends with a newline. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell).replaceAll('\n', ' ')));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const head = styleText('bold', line(headings), { stream: process.stdout });
  return [head, ...cells.map(line)].map((text) => `${text}\n`).join('');
}
