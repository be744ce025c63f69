import { columns } from './printable.ts';

/** One column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Whether its values may be shortened when the table is too wide. Default false. */
  readonly shrinks?: boolean;
  /** Colors a value that has its final width. Default: no color. */
  readonly paint?: (cell: string) => string;
}

const gap = '  ';
const narrowest = 12;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A plain text table no wider than `width` columns, as far as the columns that may shrink allow. */
export function renderTable(
  table: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = Number.POSITIVE_INFINITY,
): string {
  const widths = table.map(({ title }, index) =>
    Math.max(columns(title), ...rows.map((row) => columns(row[index] ?? ''))),
  );
  fit(table, widths, width);
  const line = (cells: readonly string[], paint: boolean): string =>
    cells
      .map((cell, index) => {
        const { align, paint: color } = table[index] ?? {};
        const padded = pad(shorten(cell, widths[index] ?? 0), widths[index] ?? 0, align ?? 'left');
        return paint && color !== undefined ? color(padded) : padded;
      })
      .join(gap)
      .trimEnd();
  return [
    line(
      table.map(({ title }) => title),
      false,
    ),
    line(
      widths.map((one) => '-'.repeat(one)),
      false,
    ),
    ...rows.map((row) => line(row, true)),
  ].join('\n');
}

// Takes a column at a time from the widest one that may shrink, until the table fits.
function fit(table: readonly Column[], widths: number[], width: number): void {
  const total = (): number =>
    widths.reduce((sum, one) => sum + one, 0) + gap.length * (widths.length - 1);
  while (total() > width) {
    const candidates = widths
      .map((one, index) => ({ one, index }))
      .filter(({ one, index }) => table[index]?.shrinks === true && one > narrowest)
      .toSorted((one, other) => other.one - one.one);
    const [widest] = candidates;
    if (widest === undefined) return;
    widths[widest.index] = widest.one - 1;
  }
}

// The middle goes: of long names, the beginning and the end tell them apart.
function shorten(text: string, width: number): string {
  if (columns(text) <= width) return text;
  const characters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  while (characters.length > 0 && columns(characters.join('')) > width - 1) {
    characters.splice(Math.floor(characters.length / 3), 1);
  }
  characters.splice(Math.floor(characters.length / 3), 0, '…');
  return characters.join('');
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - columns(text)));
  return align === 'left' ? text + space : space + text;
}
