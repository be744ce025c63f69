import { LabelledFields } from './report-lines.ts';
import type { ReportSection } from './report-lines.ts';
import type { Encounter, Field, Location, Performer } from './record.ts';
import type { SourceText } from './source-text.ts';
import { textName } from './text-patient.ts';
import type { Span } from './xml-tree.ts';

/** The same labels under the names that report versions have given them. */
const starts = ['Admission Date/Time', 'Admission Date'] as const;
const ends = ['Discharge Date/Time', 'Discharge Date'] as const;
const places = ['Admitting Location', 'Location'] as const;
const physicians = [
  'Admitting Physician',
  'Attending Physician',
  'Discharging Physician',
  'Discharge Physician',
] as const;
const labels = [...starts, ...ends, ...places, ...physicians, 'Admitting Specialty'];

/**
 * The hospital stays of a VA report's section "VA Admissions and Discharges". Each starts below a
 * double rule with its admission date; the free text of its discharge summary is not read.
 */
export function readAdmissions(
  source: SourceText,
  section: ReportSection | undefined,
): 'not-present' | Encounter[] {
  if (section?.heading === undefined) return 'not-present';
  const { heading, lines } = section;
  const type = source.field(heading.start, heading.end, 'none');
  return blocks(source.text, lines).map((block) => readAdmission(source, block, type));
}

function blocks(text: string, lines: readonly Span[]): Span[][] {
  const found: Span[][] = [];
  // An admission begins below a double rule: the words may also occur in a discharge summary.
  let state: 'elsewhere' | 'below-rule' | 'inside' = 'elsewhere';
  for (const line of lines) {
    const content = text.slice(line.start, line.end).trim();
    if (content === '') continue;
    if (/^={5,}$/.test(content)) state = 'below-rule';
    else if (/^-{5,}$/.test(content)) state = 'elsewhere';
    else if (state === 'inside') found.at(-1)?.push(line);
    else if (state === 'below-rule') {
      const begins = starts.some((label) => content.startsWith(`${label}:`));
      if (begins) found.push([line]);
      state = begins ? 'inside' : 'elsewhere';
    }
  }
  return found;
}

function readAdmission(source: SourceText, block: Span[], type: Field | undefined): Encounter {
  const fields = new LabelledFields(source, block, labels);
  const first = (...names: readonly string[]): Field | undefined =>
    names.map((label) => fields.field(label, 'va-date')).find((one) => one !== undefined);
  const place = first(...places);
  const start = first(...starts);
  const end = first(...ends);
  return {
    source: source.range(block[0]?.start ?? 0, block.at(-1)?.end ?? 0),
    identifiers: [],
    type: { name: type },
    timing: start === undefined && end === undefined ? 'not-stated' : 'interval',
    start,
    end,
    performers: fields.all(...physicians).map(performer),
    locations: place === undefined ? [] : [location(place)],
    reasons: [],
  };
}

const nobody = { identifiers: [], addresses: [], phones: [], emails: [] };

function performer(name: Field): Performer {
  return { ...nobody, names: [textName(name)], organizations: [] };
}

function location(name: Field): Location {
  return { ...nobody, name };
}
