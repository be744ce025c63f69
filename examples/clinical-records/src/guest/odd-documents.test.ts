import { describe, expect, test } from 'vitest';
import { ccda, encountersSection, offsetAfter, values } from '../../test/samples.ts';
import { verifyRecord } from '../verify.ts';
import { readRecord } from './read-record.ts';
import type { ClinicalRecord } from './record.ts';

/** The record of a document, after a check that every field is where it says. */
function verified(bytes: Buffer): ClinicalRecord {
  const record = readRecord(bytes);
  const { fields, discrepancies } = verifyRecord(record, bytes);
  expect(discrepancies).toEqual([]);
  expect(fields).toBeGreaterThan(0);
  return record;
}

describe('offsets are bytes of the file', () => {
  const name = '<name><given>Zoë</given><family>Åström-😀</family></name>';

  test('after a byte order mark and characters of two, three and four bytes', () => {
    const bytes = ccda(`<!-- é € 😀 -->${name}`, '', '\uFEFF');
    const [first] = verified(bytes).patient.names;
    expect(first?.family[0]).toEqual({
      value: 'Åström-😀',
      raw: 'Åström-😀',
      source: {
        start: offsetAfter(bytes, '<family>'),
        end: offsetAfter(bytes, '<family>') + Buffer.byteLength('Åström-😀'),
      },
      normalization: 'xml-text',
    });
    expect(bytes.subarray(0, 3).toString('hex')).toBe('efbbbf');
  });

  test('far into a document of many multibyte characters, in any order of asking', () => {
    const filler = `<!--${'ä😀'.repeat(20_000)}-->`;
    const bytes = ccda(`${filler}${name}${filler}<birthTime value="19750501"/>`);
    const { names, birthDate } = verified(bytes).patient;
    expect(birthDate?.source.start).toBe(offsetAfter(bytes, '<birthTime value="'));
    expect(names[0]?.given[0]?.source.start).toBe(offsetAfter(bytes, '<given>'));
  });

  test('with CRLF line ends, which XML reads as LF', () => {
    const bytes = ccda('<name>\r\n<given>\r\n  Ann\r\nMary </given>\r\n</name>');
    const [given] = verified(bytes).patient.names[0]?.given ?? [];
    expect(given).toMatchObject({ value: 'Ann Mary', raw: 'Ann\r\nMary' });
    expect(given?.source.start).toBe(offsetAfter(bytes, '<given>\r\n  '));
  });
});

describe('text reports as they may be written', () => {
  const report = [
    '------ MY HEALTHEVET PERSONAL INFORMATION REPORT ------',
    'Name: NÚÑEZ, ZOË    Date of Birth: 30 Feb 1948',
    '--- SELF REPORTED DEMOGRAPHICS ---',
    'First Name: ZOË   Last Name:NÚÑEZ',
    'Marital Status: --',
    '-- VA ADMISSIONS AND DISCHARGES --',
    '--- VA ADMISSIONS AND DISCHARGES ---',
    'Admission Date: 01 Jan 2001',
    '=====',
    'Admission Date: 02 Feb 2002 @ 0102',
    '-----',
    'DISCHARGE SUMMARY',
    'Admission Date: 03 Mar 2003',
  ];

  test.each(['\n', '\r\n', '\r'])('with line ends %j, after a byte order mark', (ending) => {
    const bytes = Buffer.from(`\uFEFF${report.join(ending)}`);
    const { patient, encounters } = verified(bytes);
    const [name] = patient.names;
    expect(values([...(name?.given ?? []), ...(name?.family ?? [])])).toEqual(['ZOË', 'NÚÑEZ']);
    expect(name?.family[0]?.source.start).toBe(offsetAfter(bytes, 'Last Name:'));
    // No such day: the text is kept as it is, and no date is made of it.
    expect(patient.birthDate).toMatchObject({ value: '30 Feb 1948', normalization: 'none' });
    expect(patient.maritalStatus).toBeUndefined();
    // Only what is below a double rule is an admission, not words in a summary.
    if (encounters === 'not-present') throw new Error('the section was not found');
    expect(values(encounters.map(({ start }) => start))).toEqual(['2002-02-02T01:02']);
  });
});

describe('XML as it may be written', () => {
  test('references, CDATA, comments and both quotes', () => {
    const bytes = ccda(
      `<name><given>A<!-- x -->nn &amp; <![CDATA[<Bob>]]></given></name>` +
        `<maritalStatusCode displayName='"M" &lt;b&gt;' code = "M"/>`,
    );
    const { names, maritalStatus } = verified(bytes).patient;
    expect(names[0]?.given[0]).toMatchObject({
      value: 'Ann & <Bob>',
      raw: 'A<!-- x -->nn &amp; <![CDATA[<Bob>]]>',
    });
    expect(maritalStatus?.name).toMatchObject({ value: '"M" <b>', raw: '"M" &lt;b&gt;' });
    expect(maritalStatus?.code?.source.start).toBe(offsetAfter(bytes, 'code = "'));
  });

  test('prefixed names, and elements of another namespace left alone', () => {
    const plain = ccda(
      '<name><given>Ann</given></name><raceCode code="1"/><sdtc:raceCode code="2"/>' +
        '<genderCode xmlns="urn:other" code="X"/><x:maritalStatusCode xmlns:x="urn:other" code="Y"/>',
    ).toString();
    const prefixed = plain
      .replace('xmlns="urn:hl7-org:v3"', 'xmlns:v3="urn:hl7-org:v3"')
      .replace(/<(\/?)([a-zA-Z]+)(?=[ />])(?! xmlns="urn:other")/g, '<$1v3:$2');
    for (const text of [plain, prefixed]) {
      const { patient } = verified(Buffer.from(text));
      expect(values(patient.races.map(({ code }) => code))).toEqual(['1', '2']);
      expect(patient.maritalStatus).toBeUndefined();
      expect(patient.names[0]?.given[0]?.value).toBe('Ann');
    }
  });

  test('a null flavor is reported as such, and gives no value', () => {
    const { patient } = verified(
      ccda(
        '<name use="P"><given nullFlavor="UNK"/></name><name><family>Doe</family></name>' +
          '<raceCode nullFlavor="NA"/><birthTime nullFlavor="UNK"/>',
      ),
    );
    expect(patient.names).toHaveLength(1);
    expect(patient.races[0]?.nullFlavor?.value).toBe('NA');
    expect(patient.races[0]?.code).toBeUndefined();
    expect(patient.birthDate).toBeUndefined();
  });
});

describe('encounters', () => {
  const patient = '<name><family>Doe</family></name>';
  const encounter = (inner: string): string => `<entry><encounter>${inner}</encounter></entry>`;

  test('no section is not present, an empty section is an empty list', () => {
    expect(verified(ccda(patient)).encounters).toBe('not-present');
    expect(verified(ccda(patient, encountersSection(''))).encounters).toEqual([]);
  });

  test('times: a value, low alone, low and high, and a time that is no HL7 time', () => {
    const times = [
      '<effectiveTime value="20000407"/>',
      '<effectiveTime><low value="200004"/></effectiveTime>',
      '<effectiveTime><low value="2000"/><high value="2001"/></effectiveTime>',
      '<effectiveTime value="spring 2000"/>',
      '<effectiveTime nullFlavor="UNK"/>',
    ];
    const bytes = ccda(patient, encountersSection(times.map(encounter).join('')));
    const { encounters } = verified(bytes);
    if (encounters === 'not-present') throw new Error('the section was not found');
    expect(encounters.map(({ timing, start, end }) => [timing, start?.value, end?.value])).toEqual([
      ['point', '2000-04-07', undefined],
      ['interval', '2000-04', undefined],
      ['interval', '2000', '2001'],
      ['point', 'spring 2000', undefined],
      ['not-stated', undefined, undefined],
    ]);
    expect(encounters[3]?.start?.normalization).toBe('xml-attribute');
    const [first] = encounters;
    expect(bytes.subarray(first?.source.start, first?.source.end).toString()).toBe(
      `<encounter>${times[0]}</encounter>`,
    );
  });

  test('text that is referred to is found where it stands; a dangling reference gives nothing', () => {
    const reference = (to: string): string =>
      encounter(`<code><originalText><reference value="${to}"/></originalText></code>`);
    const body =
      '<component><section><code code="46240-8"/>' +
      '<text><td ID="e1"><content>Check &amp; talk</content></td><td ID="e2"/></text>' +
      `${reference('#e1')}${reference('#e2')}${reference('#none')}${reference('e1')}</section></component>`;
    const bytes = ccda(patient, body);
    const { encounters } = verified(bytes);
    if (encounters === 'not-present') throw new Error('the section was not found');
    const texts = encounters.map(({ type }) => type?.originalText);
    expect(values(texts)).toEqual(['Check & talk', undefined, undefined, undefined]);
    expect(texts[0]?.source.start).toBe(offsetAfter(bytes, '<content>'));
  });

  test('only participants of type LOC are places, and planned encounters are left out', () => {
    const place = (type: string, name: string): string =>
      `<participant typeCode="${type}"><participantRole><playingEntity><name>${name}</name>` +
      '</playingEntity></participantRole></participant>';
    const { encounters } = verified(
      ccda(
        patient,
        encountersSection(
          encounter(place('IND', 'A person') + place('LOC', 'A clinic') + place('LOC', 'A ward')) +
            '<entry><encounter moodCode="INT"><code code="1"/></encounter></entry>',
        ),
      ),
    );
    if (encounters === 'not-present') throw new Error('the section was not found');
    expect(encounters).toHaveLength(1);
    expect(values(encounters[0]?.locations.map(({ name }) => name) ?? [])).toEqual([
      'A clinic',
      'A ward',
    ]);
  });
});

describe('documents that cannot be read are refused with a reason', () => {
  const name = '<name><family>Doe</family></name>';
  test.each<[string, Buffer, RegExp]>([
    ['cut in the middle', ccda(name).subarray(0, 200), /^malformed XML at 1:\d+: unclosed tag/],
    ['no root', Buffer.from('<!-- nothing -->'), /^malformed XML/],
    [
      'a namespace without declaration',
      ccda('<x:name/>'),
      /^malformed XML.*unbound namespace prefix/,
    ],
    ['not UTF-8', Buffer.concat([ccda(name), Buffer.from([0xff])]), /^not UTF-8 text$/],
    ['UTF-16', Buffer.from('\uFEFF<ClinicalDocument/>', 'utf16le'), /^not UTF-8 text$/],
    [
      'another encoding',
      ccda(name, '', '<?xml version="1.0" encoding="ISO-8859-1"?>'),
      /^its encoding is ISO-8859-1; only UTF-8 is read$/,
    ],
    ['nested too deep', ccda('<a>'.repeat(300) + '</a>'.repeat(300)), /nested more than 256 deep/],
    ['another root', Buffer.from('<empty/>'), /root element is <empty>/],
    [
      'no patient',
      Buffer.from(ccda(name).toString().replaceAll('patientRole', 'x')),
      /names no patient/,
    ],
    [
      'no known template',
      Buffer.from(ccda(name).toString().replace('22.1.1', '22.9')),
      /templateId of none/,
    ],
    [
      'a value without end',
      ccda(`<name>${'x'.repeat(20_000)}</name>`),
      /a value of 20000 characters/,
    ],
    ['no record', Buffer.from('hello'), /^it is neither XML nor/],
    ['empty', Buffer.alloc(0), /^it is neither XML nor/],
    [
      'a VA report without a name',
      Buffer.from('--- MY HEALTHEVET PERSONAL INFORMATION REPORT ---\n'),
      /gives no patient name/,
    ],
    [
      'a CMS report without a name',
      Buffer.from(`${'-'.repeat(32)}\nMYMEDICARE.GOV PERSONAL HEALTH INFORMATION\n`),
      /gives no patient name/,
    ],
  ])('%s', (_, bytes, reason) => {
    expect(() => readRecord(bytes)).toThrow(reason);
    expect(() => readRecord(bytes)).toThrow(
      expect.objectContaining({ name: 'UnreadableDocument' }),
    );
  });

  test('an entity that the document defines itself is not expanded', () => {
    const bytes = ccda('<name><family>&e;</family></name>', '', '<!DOCTYPE x [<!ENTITY e "Doe">]>');
    expect(() => readRecord(bytes)).toThrow(/^malformed XML.*undefined entity/);
  });
});
