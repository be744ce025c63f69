import { describe, expect, test } from 'vitest';
import { sample, sampleRecord } from '../test/samples.ts';
import { checkResult } from './check-result.ts';
import type { ClinicalRecord, Encounter } from './guest/record.ts';
import { fieldsOf, verifyRecord } from './verify.ts';

const relative = 'test/fixtures/parser-ccd/SampleCCDDocument.xml';
const bytes = await sample(relative);
const honest = await sampleRecord(relative);

type Writable<Value> = { -readonly [Key in keyof Value]: Writable<Value[Key]> };

/** The honest result after one change, as the bytes that a guest would write. */
function forged(change: (record: Writable<ClinicalRecord>) => void): Buffer {
  const record = structuredClone(honest) as Writable<ClinicalRecord>;
  change(record);
  return Buffer.from(JSON.stringify(record));
}

function check(result: Uint8Array): unknown {
  return checkResult(result, bytes, { format: 'ccd' });
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the sample has lost a field that this test changes');
  return value;
}

function firstEncounter(record: Writable<ClinicalRecord>): Writable<Encounter> {
  return required(record.encounters === 'not-present' ? undefined : record.encounters[0]);
}

test('an honest result passes, every field counted', () => {
  expect(verifyRecord(honest, bytes)).toEqual({ fields: 17, discrepancies: [] });
  expect(check(Buffer.from(JSON.stringify(honest)))).toMatchObject({ fields: 17 });
  expect([...fieldsOf(honest)].map(([path]) => path)).toContain('encounters.0.type.originalText');
});

describe('a field that the document does not bear out fails its document', () => {
  const birthDate = (record: Writable<ClinicalRecord>) => required(record.patient.birthDate);

  test.each<[string, (record: Writable<ClinicalRecord>) => void, RegExp]>([
    [
      'an invented value',
      (record) => (birthDate(record).value = '1999-09-09'),
      /patient\.birthDate: the value is not what hl7-date makes of the raw text/,
    ],
    [
      'invented raw text with a value to fit',
      (record) => Object.assign(birthDate(record), { raw: '19990909', value: '1999-09-09' }),
      /patient\.birthDate: the document does not have the raw text at byte \d+/,
    ],
    [
      'an offset shifted by one',
      (record) => {
        birthDate(record).source.start += 1;
        birthDate(record).source.end += 1;
      },
      /patient\.birthDate: the document does not have the raw text/,
    ],
    ['a range that is too long', (record) => (birthDate(record).source.end += 1), /birthDate/],
    [
      'an offset beyond the end',
      (record) => Object.assign(birthDate(record).source, { start: 9e8, end: 9e8 + 8 }),
      /patient\.birthDate: bytes 900000000 to 900000008 are outside/,
    ],
    [
      'an empty range',
      (record) => (birthDate(record).source.end = birthDate(record).source.start),
      /empty range/,
    ],
    [
      'a normalization that does not read the text',
      (record) => (birthDate(record).normalization = 'us-date'),
      /the value is not what us-date makes/,
    ],
    [
      'a normalization that reads it otherwise',
      (record) => (birthDate(record).normalization = 'none'),
      /the value is not what none makes/,
    ],
    [
      'one invented field among many in an encounter',
      (record) => (required(firstEncounter(record).locations[0]?.name).value = 'Bad Health Clinic'),
      /encounters\.0\.locations\.0\.name: the value is not/,
    ],
    [
      'an encounter outside of the document',
      (record) => (firstEncounter(record).source.end = 9e8),
      /encounters\.0\.source: bytes \d+ to 900000000 are outside/,
    ],
    [
      'the result of another document',
      (record) => (record.document.sha256 = '0'.repeat(64)),
      /document\.sha256: is not the digest of the document/,
    ],
    ['another length', (record) => (record.document.bytes -= 1), /document\.bytes/],
  ])('%s', (_, change, problem) => {
    expect(() => check(forged(change))).toThrow(problem);
    expect(() => check(forged(change))).toThrow(expect.objectContaining({ kind: 'unverified' }));
  });

  test('a range that cuts a character in two', () => {
    const at = bytes.indexOf('’');
    const half = forged((record) => {
      Object.assign(required(record.title), {
        raw: '\uFFFD',
        value: '\uFFFD',
        normalization: 'none',
        source: { start: at, end: at + 2 },
      });
    });
    expect(() => check(half)).toThrow(/title: bytes \d+ to \d+ cut a character in two/);
  });
});

describe('a result is hostile until it is checked', () => {
  test.each<[string, Buffer, RegExp]>([
    ['not JSON', Buffer.from('{"spec":'), /not JSON in UTF-8/],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), /not JSON in UTF-8/],
    ['nothing', Buffer.alloc(0), /not JSON/],
    ['another version', forged((record) => Object.assign(record, { spec: 'x/2' })), /: spec:/],
    ['an unknown key', forged((record) => Object.assign(record, { extra: 1 })), /extra/],
    [
      'an unknown key deep inside',
      forged((record) => Object.assign(required(record.title), { note: 'x' })),
      /: title: .*note/,
    ],
    [
      'a fractional offset',
      forged((record) => (required(record.title).source.start = 0.5)),
      /title\.source\.start/,
    ],
    [
      'a negative offset',
      forged((record) => (required(record.title).source.start = -1)),
      /title\.source\.start/,
    ],
    ['an empty value', forged((record) => (required(record.title).value = '')), /title\.value/],
    [
      'an endless value',
      forged((record) => (required(record.title).value = 'x'.repeat(20_000))),
      /title\.value/,
    ],
    [
      'an endless list',
      forged(
        (record) =>
          (record.patient.names = Array.from({ length: 10_001 }, () =>
            required(record.patient.names[0]),
          )),
      ),
      /patient\.names/,
    ],
    [
      'an unknown normalization',
      forged((record) => Object.assign(required(record.title), { normalization: 'rot13' })),
      /normalization/,
    ],
    [
      'a field named like a prototype',
      Buffer.from('{"__proto__":{"spec":"clinical-record/1"}}'),
      /not a clinical record/,
    ],
    ['no patient', forged((record) => Object.assign(record, { patient: null })), /patient/],
    [
      'another format than the document has',
      forged((record) => (record.format = 'c32')),
      /calls the document c32/,
    ],
    ['too many bytes', Buffer.alloc(33 * 1024 * 1024, ' '), /at most 33554432 are read/],
  ])('%s', (_, result, problem) => {
    expect(() => check(result)).toThrow(problem);
    expect(() => check(result)).toThrow(expect.objectContaining({ kind: 'invalid-result' }));
  });

  test('a result without a single field proves nothing', () => {
    const empty = forged((record) => {
      delete record.title;
      record.encounters = 'not-present';
      record.patient = {
        names: [],
        identifiers: [],
        races: [],
        ethnicities: [],
        languages: [],
        guardians: [],
        addresses: [],
        phones: [],
        emails: [],
      };
    });
    expect(() => check(empty)).toThrow(/no field at all/);
  });
});
