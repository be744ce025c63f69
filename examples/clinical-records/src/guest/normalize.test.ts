import { expect, test } from 'vitest';
import { normalize } from './normalize.ts';
import type { NormalizationName } from './normalize.ts';

test.each<[NormalizationName, string, string | undefined]>([
  ['none', ' as it is ', ' as it is '],
  ['xml-text', 'Race &amp; Ethnicity', 'Race & Ethnicity'],
  ['xml-text', 'a\r\n\t  b', 'a b'],
  ['xml-text', 'A<!-- <b> --><![CDATA[ & <C>]]><?pi?>&#x44;&#69;', 'A & <C>DE'],
  ['xml-text', 'open <!-- comment', undefined],
  ['xml-text', 'an <element/>', undefined],
  ['xml-text', '&nbsp;', undefined],
  ['xml-text', '&toString;', undefined],
  ['xml-text', '& alone', undefined],
  ['xml-text', '&#xD800;', undefined],
  ['xml-text', '&#x1F600;', '😀'],
  ['xml-attribute', 'say &quot;x&quot;\n twice ', 'say "x" twice'],
  ['xml-attribute', 'a < b', undefined],
  ['telecom-uri', 'tel:(816)276-6909', '(816)276-6909'],
  ['telecom-uri', 'tel: 555-555-5000', '555-555-5000'],
  ['telecom-uri', 'mailto:a&amp;b@example.com', 'a&b@example.com'],
  ['hl7-date', '1975', '1975'],
  ['hl7-date', '197505', '1975-05'],
  ['hl7-date', '19750501', '1975-05-01'],
  ['hl7-date', '2012091500', '2012-09-15T00'],
  ['hl7-date', '201209150000-0400', '2012-09-15T00:00-04:00'],
  ['hl7-date', '20121210171612', '2012-12-10T17:16:12'],
  ['hl7-date', '20121210171612.25+0530', '2012-12-10T17:16:12.25+05:30'],
  ['hl7-date', '20120230', undefined],
  ['hl7-date', '20121301', undefined],
  ['hl7-date', '2012120125', undefined],
  ['hl7-date', '19750501-0400', undefined],
  ['hl7-date', 'unknown', undefined],
  ['va-date', '01 Mar 1948', '1948-03-01'],
  ['va-date', '1 Jun 2012 @ 0800', '2012-06-01T08:00'],
  ['va-date', '31 Feb 2012', undefined],
  ['va-date', '01 Foo 2012', undefined],
  ['us-date', '01/02/1910', '1910-01-02'],
  ['us-date', '13/02/1910', undefined],
])('%s reads %j as %j', (name, raw, value) => {
  expect(normalize(name, raw)).toBe(value);
});

test('a long run of openings takes no time', () => {
  const started = performance.now();
  expect(normalize('xml-text', '<!--'.repeat(100_000))).toBeUndefined();
  expect(normalize('xml-text', '&a'.repeat(100_000))).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(1000);
});
