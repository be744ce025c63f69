import type { CatalogDocument } from './catalog.ts';
import { ExtractionFailure } from './extraction-failure.ts';
import type { ClinicalRecord } from './guest/record.ts';
import { parseRecord } from './record-schema.ts';
import { verifyRecord } from './verify.ts';

/** A record whose every field was found in its document. */
export interface CheckedRecord {
  readonly record: ClinicalRecord;
  /** Number of fields found at their offsets: all of them. */
  readonly fields: number;
}

const shown = 3;

/**
 * Takes an extractor's result as hostile input: checks its shape, then every field against the
 * document. Throws `ExtractionFailure` when anything in it cannot be relied on.
 */
export function checkResult(
  result: Uint8Array,
  source: Uint8Array,
  document: Pick<CatalogDocument, 'format'>,
): CheckedRecord {
  const record = parse(result);
  if (record.format !== document.format) {
    throw new ExtractionFailure(
      'invalid-result',
      `the result calls the document ${record.format}, its contents are ${document.format}`,
    );
  }
  const { fields, discrepancies } = verifyRecord(record, source);
  if (discrepancies.length === 0 && fields > 0) return { record, fields };
  const list = discrepancies.slice(0, shown).map(({ path, problem }) => `${path}: ${problem}`);
  const more = discrepancies.length - list.length;
  throw new ExtractionFailure(
    'unverified',
    fields === 0
      ? 'the result has no field at all'
      : `not found in the document: ${list.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
  );
}

function parse(result: Uint8Array): ClinicalRecord {
  try {
    return parseRecord(result);
  } catch (cause) {
    throw new ExtractionFailure('invalid-result', (cause as Error).message, { cause });
  }
}
