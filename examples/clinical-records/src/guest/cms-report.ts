import { LabelledFields, splitLines, splitSections } from './report-lines.ts';
import type { ClinicalRecord } from './record.ts';
import { UnreadableDocument } from './source-text.ts';
import type { SourceText } from './source-text.ts';
import { addressList, emptyPatient, telecoms, textName } from './text-patient.ts';

const title = 'MYMEDICARE.GOV PERSONAL HEALTH INFORMATION';
const lineLabels = ['Address Line 1', 'Address Line 2'] as const;
const labels: readonly string[] = [
  'Name',
  'Date of Birth',
  'City',
  'State',
  'Zip',
  'Phone Number',
  'Email',
  ...lineLabels,
];

/** What a MyMedicare.gov "Blue Button" text report says of its patient. It lists claims, no encounters. */
export function readCmsReport(source: SourceText): Omit<ClinicalRecord, 'spec' | 'document'> {
  const { text } = source;
  const lines = splitLines(text);
  const content = lines.map(({ start, end }) => text.slice(start, end).trim());
  // A heading is the line after a rule; the rule below it has an empty line before it.
  const sections = splitSections(lines, text, (line, index) =>
    /^-{10,}$/.test(content[index - 1] ?? '') && /^[A-Za-z]/.test(content[index] ?? '')
      ? line
      : undefined,
  );
  const opening = sections.find((section) => section.title.trim() === title)?.heading;
  if (opening === undefined) throw new UnreadableDocument(`it has no heading ${title}`);
  const demographic = sections.find((section) => section.title.trim() === 'Demographic');
  const fields = new LabelledFields(source, demographic?.lines ?? [], labels);
  const name = fields.field('Name');
  if (name === undefined)
    throw new UnreadableDocument('its Demographic section gives no patient name');
  return {
    format: 'cms-blue-button',
    title: source.field(opening.start, opening.end, 'none'),
    patient: {
      ...emptyPatient,
      names: [textName(name)],
      birthDate: fields.field('Date of Birth', 'us-date'),
      addresses: addressList({
        streetLines: fields.all(...lineLabels),
        city: fields.field('City'),
        state: fields.field('State'),
        postalCode: fields.field('Zip'),
      }),
      phones: telecoms(fields.all('Phone Number')),
      emails: telecoms(fields.all('Email')),
    },
    encounters: 'not-present',
  };
}
