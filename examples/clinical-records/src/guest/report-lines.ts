import type { NormalizationName } from './normalize.ts';
import type { Field } from './record.ts';
import type { SourceText } from './source-text.ts';
import type { Span } from './xml-tree.ts';

/** A part of a text report: the lines from one heading to the next. */
export interface ReportSection {
  /** Where the heading's words are. Absent for the lines before the first heading. */
  readonly heading?: Span;
  /** The heading's words, empty before the first heading. */
  readonly title: string;
  readonly lines: readonly Span[];
}

/** One `Label: value` of a report. */
interface LabelledValue {
  readonly label: string;
  readonly span: Span;
}

/** The lines of a text, whatever ends them (LF, CRLF or a lone CR), without a byte order mark. */
export function splitLines(text: string): Span[] {
  const lines: Span[] = [];
  const ending = /\r\n|\n|\r/g;
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (const match of text.matchAll(ending)) {
    lines.push({ start, end: match.index });
    start = match.index + match[0].length;
  }
  lines.push({ start, end: text.length });
  return lines;
}

/** Cuts a report at the lines for which `headingOf` finds a heading. */
export function splitSections(
  lines: readonly Span[],
  text: string,
  headingOf: (line: Span, index: number) => Span | undefined,
): ReportSection[] {
  const sections: { heading?: Span; title: string; lines: Span[] }[] = [{ title: '', lines: [] }];
  for (const [index, line] of lines.entries()) {
    const heading = headingOf(line, index);
    if (heading === undefined) sections.at(-1)?.lines.push(line);
    else sections.push({ heading, title: text.slice(heading.start, heading.end), lines: [] });
  }
  return sections;
}

/**
 * The values of known labels on a line, which may hold several in columns. A label counts at the
 * start of the line or after white space; a value reaches to the next known label.
 */
function labelledValues(text: string, line: Span, labels: readonly string[]): LabelledValue[] {
  const content = text.slice(line.start, line.end);
  const found: { label: string; at: number }[] = [];
  // Longest first, so that `Name:` is not found inside `First Name:`.
  for (const label of labels.toSorted((one, other) => other.length - one.length)) {
    const needle = `${label}:`;
    for (let at = content.indexOf(needle); at !== -1; at = content.indexOf(needle, at + 1)) {
      const inside = found.some((one) => at >= one.at && at < one.at + one.label.length + 1);
      if (!inside && (at === 0 || /\s/.test(content.charAt(at - 1)))) found.push({ label, at });
    }
  }
  const ordered = found.toSorted((one, other) => one.at - other.at);
  if (ordered[0] === undefined || content.slice(0, ordered[0].at).trim() !== '') return [];
  return ordered.map(({ label, at }, index) => ({
    label,
    span: {
      start: line.start + at + label.length + 1,
      end: line.start + (ordered[index + 1]?.at ?? content.length),
    },
  }));
}

/** What reports print for a value that they do not have. */
const nothing: ReadonlySet<string> = new Set(['--', 'Not available', 'Date not available', 'None']);

/** Values of a group of lines by label, the first one of each label. */
export class LabelledFields {
  readonly #source: SourceText;
  readonly #values = new Map<string, Span>();

  constructor(source: SourceText, lines: readonly Span[], labels: readonly string[]) {
    this.#source = source;
    for (const line of lines) {
      for (const { label, span } of labelledValues(source.text, line, labels)) {
        if (!this.#values.has(label) && this.#read(span) !== undefined)
          this.#values.set(label, span);
      }
    }
  }

  /** The value of a label as a field; `none` where no given normalization can read it. */
  field(label: string, ...normalizations: NormalizationName[]): Field | undefined {
    const span = this.#values.get(label);
    return span === undefined ? undefined : this.#read(span, ...normalizations);
  }

  /** The values of those labels that have one, in the order given. */
  all(...labels: readonly string[]): Field[] {
    return labels.flatMap((label) => this.field(label) ?? []);
  }

  #read(span: Span, ...normalizations: NormalizationName[]): Field | undefined {
    const field = this.#source.field(span.start, span.end, ...normalizations, 'none');
    return field === undefined || nothing.has(field.raw) ? undefined : field;
  }
}
