/** How much of a difference is looked over, from none on: at the ends of lines, around them, in typographic signs. */
const tolerances: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line.trimEnd(),
  (line) => line.trim(),
  (line) => plain(line).trim(),
];

/** A place that was found, and how much had to be looked over: 0 is nothing. */
export interface Found {
  readonly index: number;
  readonly tolerance: number;
}

/** Where lines stand in a file, at `from` or later; exact places first. With `atEnd` the end of the file comes before others. */
export function seekLines(
  lines: readonly string[],
  wanted: readonly string[],
  from: number,
  atEnd: boolean,
): Found | undefined {
  const last = lines.length - wanted.length;
  for (const [tolerance, tidy] of tolerances.entries()) {
    const tidied = wanted.map(tidy);
    const fits = (index: number): boolean =>
      tidied.every((line, offset) => tidy(lines[index + offset] ?? '') === line);
    if (atEnd && last >= from && fits(last)) return { index: last, tolerance };
    for (let index = from; index <= last; index++) {
      if (fits(index)) return { index, tolerance };
    }
  }
  return undefined;
}

/** Where one line stands that a hunk names to be found by; the beginning of a line will do where there is no whole one. */
export function seekAnchor(
  lines: readonly string[],
  anchor: string,
  from: number,
): number | undefined {
  const whole = seekLines(lines, [anchor], from, false);
  if (whole) return whole.index;
  const start = plain(anchor).trim();
  const index = lines.findIndex((line, at) => at >= from && plain(line).trim().startsWith(start));
  return index < 0 ? undefined : index;
}

/** Where most of the lines stand in order, and the first that differs there. For messages. */
export function nearestLines(
  lines: readonly string[],
  wanted: readonly string[],
): { readonly index: number; readonly differs: number } | undefined {
  if (lines.length * wanted.length > 5_000_000) return undefined;
  const tidied = wanted.map((line) => plain(line).trim());
  const file = lines.map((line) => plain(line).trim());
  let best = { index: -1, same: 0 };
  for (let index = 0; index < file.length; index++) {
    const same = tidied.filter((line, at) => line !== '' && file[index + at] === line).length;
    if (same > best.same) best = { index, same };
  }
  if (best.index < 0) return undefined;
  const differs = tidied.findIndex((line, at) => file[best.index + at] !== line);
  return { index: best.index, differs };
}

function plain(line: string): string {
  return line
    .replaceAll(/[\u2010-\u2015\u2212]/g, '-')
    .replaceAll(/[\u2018-\u201B]/g, "'")
    .replaceAll(/[\u201C-\u201F]/g, '"')
    .replaceAll(/[\u00A0\u2002-\u200A\u202F\u205F\u3000]/g, ' ');
}
