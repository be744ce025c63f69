import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ccda, concurrently, plainExtractor } from '../test/samples.ts';
import { ExtractionFailure } from './extraction-failure.ts';
import type { ClinicalRecord } from './guest/record.ts';
import { runJob } from './job.ts';
import type { Extractor, JobSetting } from './job.ts';
import { renderJson } from './json-report.ts';
import { malformedName } from './malformed.ts';
import { isSuccess, renderReport } from './report.ts';

let output: string;

beforeEach(async () => {
  output = await mkdtemp(path.join(tmpdir(), 'clinical-records-job-'));
});

afterEach(async () => {
  await rm(output, { recursive: true });
});

function setting(extract: Extractor, only?: string): JobSetting {
  return {
    options: { concurrency: 4, output, ...(only === undefined ? {} : { only }) },
    provider: 'plain',
    extractAll: concurrently(extract),
    startProgress: () => ({ finished: () => undefined, stop: () => undefined }),
  };
}

/** An extractor whose result is changed on its way out. */
function tampering(change: (record: ClinicalRecord) => object): Extractor {
  return async (document) => {
    const { result, receipts } = await plainExtractor(document);
    const record = JSON.parse(Buffer.from(result).toString()) as ClinicalRecord;
    return { result: Buffer.from(JSON.stringify(change(record))), receipts };
  };
}

test('all documents: 22 verified, the malformed one refused by name, every difference explained', async () => {
  let running = 0;
  let most = 0;
  const report = await runJob(
    setting(async (document) => {
      most = Math.max(most, ++running);
      try {
        return await plainExtractor(document);
      } finally {
        running--;
      }
    }),
  );
  expect(most).toBe(4);
  expect(isSuccess(report)).toBe(true);
  expect(report.outcomes).toHaveLength(23);
  const failed = report.outcomes.filter(({ failure }) => failure !== undefined);
  expect(failed.map(({ document }) => document.name)).toEqual([malformedName]);
  expect(failed[0]?.failure).toEqual({
    kind: 'unreadable',
    message: expect.stringMatching(/^malformed XML at \d+:\d+: unclosed tag/) as string,
  });
  expect(report.outcomes.reduce((sum, { fields = 0 }) => sum + fields, 0)).toBe(1094);

  const text = renderReport(report, {});
  expect(text).not.toContain('\u001B');
  expect(text).toMatch(/^parser-ccda\/CCD_1 +c-cda +Isabella Isa Jones +1 +97 +\d+ +verified$/m);
  expect(text).toMatch(/^malformed\/cut-in-the-middle .* refused$/m);
  expect(text).toMatch(/^test\/fixtures\/generated\/CCD_1\.json .* 64 of 71 +90\.1 % +7 +0$/m);
  expect(text).not.toContain('UNEXPLAINED');

  const files = await lstat(path.join(output, 'parser-ccda-CCD_1.receipts.json'));
  expect(files.isFile()).toBe(true);
  const stored = JSON.parse(
    await readFile(path.join(output, 'parser-ccda-CCD_1.json'), 'utf8'),
  ) as ClinicalRecord;
  expect(stored.patient.birthDate?.value).toBe('1975-05-01');
  const json = JSON.parse(renderJson(report)) as { success: boolean; documents: object[] };
  expect(json.success).toBe(true);
  expect(json.documents).toHaveLength(23);
});

test('a result with one invented value fails its document and the job, and leaves no file', async () => {
  const stale = path.join(output, 'parser-ccd-SampleCCDDocument.json');
  await writeFile(stale, '{}');
  const invent = tampering((record) => ({
    ...record,
    title: { ...record.title, value: 'Good Death Clinic Continuity of Care Document' },
  }));
  const report = await runJob(setting(invent, 'SampleCCD'));
  expect(isSuccess(report)).toBe(false);
  expect(report.outcomes[0]?.failure).toMatchObject({ kind: 'unverified' });
  expect(renderReport(report, {})).toContain(
    'parser-ccd/SampleCCDDocument: FAILED (unverified): not found in the document: title: the value is not',
  );
  await expect(lstat(stale)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a field that the extractor leaves out is found by the comparison', async () => {
  const lose = tampering(({ patient, ...record }) => ({
    ...record,
    patient: { ...patient, phones: [] },
  }));
  const report = await runJob(setting(lose, 'parser-ccda/CCD_1'));
  expect(report.outcomes.every(({ failure }) => failure === undefined)).toBe(true);
  expect(isSuccess(report)).toBe(false);
  expect(renderReport(report, {})).toMatch(
    /UNEXPLAINED parser-ccda\/CCD_1 and .*demographics\.phone\[0\]\.number: null here, "\(816\)276-6909" there/,
  );
});

test('the job fails when the malformed document passes, or fails for another reason', async () => {
  const breaking: Extractor = async () => {
    throw new ExtractionFailure('sandbox', 'the sandbox broke');
  };
  expect(isSuccess(await runJob(setting(breaking, 'malformed')))).toBe(false);

  // A well-formed document in its place is not refused.
  const mending: Extractor = async (document) => {
    const whole = ccda('<name><family>Doe</family></name>');
    await writeFile(document.file, whole);
    return plainExtractor(document);
  };
  const accepted = await runJob(setting(mending, 'malformed'));
  expect(accepted.outcomes[0]?.failure).toBeUndefined();
  expect(isSuccess(accepted)).toBe(false);
  expect(renderReport(accepted, {})).toContain('NOT REFUSED');
});

test('control characters of a document do not reach the terminal', async () => {
  const hostile: Extractor = async () => {
    throw new ExtractionFailure('unreadable', 'bad \u001B[2J\u0007 thing');
  };
  const report = await runJob(setting(hostile, 'example/C32'));
  const text = renderReport(report, {});
  expect(text).toContain('example/C32: FAILED (unreadable): bad \uFFFD[2J\uFFFD thing');
});

test('an error that is no failure of a document ends the job', async () => {
  const broken: Extractor = async () => {
    throw new TypeError('a defect of the job itself');
  };
  await expect(runJob(setting(broken))).rejects.toThrow('a defect of the job itself');
});

test('a name that no document has is an error that lists the names', async () => {
  await expect(runJob(setting(plainExtractor, 'nobody'))).rejects.toThrow(
    /no document has "nobody" in its name; there are:\n {2}example\/C32\n/,
  );
});
