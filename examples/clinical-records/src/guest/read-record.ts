import { createHash } from 'node:crypto';
import { readCda } from './cda.ts';
import { readCmsReport } from './cms-report.ts';
import type { ClinicalRecord } from './record.ts';
import { SourceText, UnreadableDocument } from './source-text.ts';
import { readVaReport } from './va-report.ts';

/** The largest document that is read, in bytes. */
const largestDocument = 64 * 1024 * 1024;

/** The record in a document, whose format its contents tell. Throws `UnreadableDocument`. */
export function readRecord(bytes: Uint8Array): ClinicalRecord {
  if (bytes.length > largestDocument) {
    throw new UnreadableDocument(
      `it has ${bytes.length} bytes; at most ${largestDocument} are read`,
    );
  }
  const source = new SourceText(bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    spec: 'clinical-record/1',
    document: { bytes: bytes.length, sha256 },
    ...chooseReader(source.text)(source),
  };
}

function chooseReader(text: string): typeof readCda {
  if (/^\uFEFF?\s*</.test(text)) return readCda;
  if (text.includes('MY HEALTHEVET PERSONAL INFORMATION REPORT')) return readVaReport;
  if (text.includes('MYMEDICARE.GOV PERSONAL HEALTH INFORMATION')) return readCmsReport;
  throw new UnreadableDocument('it is neither XML nor a VA or CMS Blue Button report');
}
