import { LabelledFields, splitLines, splitSections } from './report-lines.ts';
import type { ReportSection } from './report-lines.ts';
import type { ClinicalRecord, Field, Patient, PersonName } from './record.ts';
import { UnreadableDocument } from './source-text.ts';
import type { SourceText } from './source-text.ts';
import { addressList, emptyPatient, named, telecoms, textName } from './text-patient.ts';
import { readAdmissions } from './va-admissions.ts';
import type { Span } from './xml-tree.ts';

const mailing = 'Mailing or Destination ';
const phoneLabels = [
  'Home Phone Number',
  'Work Phone Number',
  'Pager Number',
  'Cell Phone Number',
] as const;

const selfReportedLabels: readonly string[] = [
  'First Name',
  'Middle Initial',
  'Last Name',
  'Suffix',
  'Alias',
  'Relationship to VA',
  'Gender',
  'Blood Type',
  'Organ Donor',
  'Date of Birth',
  'Marital Status',
  'Email Address',
  ...['Address', 'Address2', 'City', 'State', 'Country', 'Province', 'Zip/Postal Code'].map(
    (part) => mailing + part,
  ),
  'Current Occupation',
  'FAX Number',
  'Preferred Method of Contact',
  ...phoneLabels,
];

const vaLabels: readonly string[] = [
  'First Name',
  'Middle Name',
  'Last Name',
  'Race',
  'Ethnicity',
  'Religion',
  'Date of Birth',
  'Place of Birth',
  'Age',
  'Marital Status',
  'Gender',
];

/** What a My HealtheVet "VA Blue Button" text report says of its patient and admissions. */
export function readVaReport(source: SourceText): Omit<ClinicalRecord, 'spec' | 'document'> {
  const { text } = source;
  const sections = splitSections(splitLines(text), text, (line) => dashedHeading(text, line));
  const find = (...titles: string[]): ReportSection | undefined =>
    sections.find(({ title }) => titles.includes(title));
  const opening = find('MY HEALTHEVET PERSONAL INFORMATION REPORT');
  if (opening?.heading === undefined) {
    throw new UnreadableDocument('it has no heading MY HEALTHEVET PERSONAL INFORMATION REPORT');
  }
  const top = new LabelledFields(source, opening.lines, ['Name', 'Date of Birth']);
  const selfReported = find('SELF REPORTED DEMOGRAPHICS', 'DEMOGRAPHICS');
  const own = new LabelledFields(source, beforeContacts(text, selfReported), selfReportedLabels);
  const va = new LabelledFields(source, find('VA DEMOGRAPHICS')?.lines ?? [], vaLabels);
  const name = top.field('Name');
  if (name === undefined) throw new UnreadableDocument('its first page gives no patient name');
  return {
    format: 'va-blue-button',
    title: source.field(opening.heading.start, opening.heading.end, 'none'),
    patient: readPatient(name, top, own, va),
    encounters: readAdmissions(source, find('VA ADMISSIONS AND DISCHARGES')),
  };
}

function readPatient(
  name: Field,
  top: LabelledFields,
  own: LabelledFields,
  va: LabelledFields,
): Patient {
  const race = named(va.field('Race'));
  const ethnicity = named(va.field('Ethnicity'));
  const birthplace = va.field('Place of Birth');
  return {
    ...emptyPatient,
    names: patientNames(name, own),
    birthDate: top.field('Date of Birth', 'va-date') ?? own.field('Date of Birth', 'va-date'),
    gender: named(own.field('Gender') ?? va.field('Gender')),
    // What the patient says of it goes before what a facility has on file, which may be older.
    maritalStatus: named(own.field('Marital Status') ?? va.field('Marital Status')),
    religion: named(va.field('Religion')),
    races: race === undefined ? [] : [race],
    ethnicities: ethnicity === undefined ? [] : [ethnicity],
    birthplace: birthplace === undefined ? undefined : { streetLines: [], text: birthplace },
    addresses: addressList({
      streetLines: own.all(`${mailing}Address`, `${mailing}Address2`),
      city: own.field(`${mailing}City`),
      state: own.field(`${mailing}State`) ?? own.field(`${mailing}Province`),
      postalCode: own.field(`${mailing}Zip/Postal Code`),
      country: own.field(`${mailing}Country`),
    }),
    phones: telecoms(own.all(...phoneLabels)),
    emails: telecoms(own.all('Email Address')),
  };
}

function patientNames(whole: Field, own: LabelledFields): PersonName[] {
  const alias = own.field('Alias');
  const divided: PersonName = {
    prefixes: [],
    given: own.all('First Name', 'Middle Initial'),
    family: own.all('Last Name'),
    suffixes: own.all('Suffix'),
  };
  const isDivided = divided.given.length > 0 || divided.family.length > 0;
  return [
    isDivided ? divided : textName(whole),
    ...(isDivided ? [textName(whole)] : []),
    ...(alias === undefined ? [] : [textName(alias)]),
  ];
}

// The contacts' own names and telephone numbers follow under the same labels.
function beforeContacts(text: string, section: ReportSection | undefined): readonly Span[] {
  const lines = section?.lines ?? [];
  const end = lines.findIndex(({ start, end: to }) =>
    text.slice(start, to).trim().startsWith('EMERGENCY CONTACT'),
  );
  return end === -1 ? lines : lines.slice(0, end);
}

/** The words of a heading such as `----- VA DEMOGRAPHICS -----`. */
function dashedHeading(text: string, line: Span): Span | undefined {
  let { start, end } = line;
  while (end > start && ' -'.includes(text.charAt(end - 1))) end--;
  while (start < end && text.charAt(start) === '-') start++;
  const dashes = start - line.start;
  while (start < end && text.charAt(start) === ' ') start++;
  const trailing = text.slice(end, line.end).includes('---');
  if (dashes < 3 || !trailing) return undefined;
  return /^[A-Z][A-Z ,()/&:-]*$/.test(text.slice(start, end)) ? { start, end } : undefined;
}
