import { createHash } from 'node:crypto';
import { normalize } from './guest/normalize.ts';
import type { ClinicalRecord, Encounter, Field, SourceRange } from './guest/record.ts';

/** One field, or the record itself, that the document does not bear out. */
interface Discrepancy {
  /** Where in the record, for example `patient.birthDate`. */
  readonly path: string;
  readonly problem: string;
}

/** What came of checking a record against its document. */
export interface Verification {
  /** Number of fields that were compared with the document's bytes. */
  readonly fields: number;
  /** Empty exactly when every field is where the record says that it is. */
  readonly discrepancies: readonly Discrepancy[];
}

/**
 * Compares every field of a record with the document's own bytes: those at its offsets must be its
 * `raw` text, and its normalization must turn that into its `value`. This is the guard against
 * results that the extractor made up: one discrepancy fails the document.
 */
export function verifyRecord(record: ClinicalRecord, document: Uint8Array): Verification {
  const discrepancies: Discrepancy[] = [];
  const report = (path: string, problem: string): void => {
    discrepancies.push({ path, problem });
  };
  if (record.document.bytes !== document.length) {
    report('document.bytes', `is ${record.document.bytes}, the document has ${document.length}`);
  }
  if (record.document.sha256 !== createHash('sha256').update(document).digest('hex')) {
    report('document.sha256', 'is not the digest of the document');
  }
  let fields = 0;
  for (const [path, field] of fieldsOf(record)) {
    fields++;
    const problem = fieldProblem(field, document);
    if (problem !== undefined) report(path, problem);
  }
  for (const [path, encounter] of encountersOf(record)) {
    const problem = rangeProblem(encounter.source, document);
    if (problem !== undefined) report(`${path}.source`, problem);
  }
  return { fields, discrepancies };
}

function fieldProblem(field: Field, document: Uint8Array): string | undefined {
  const { source, raw, value, normalization } = field;
  const problem = rangeProblem(source, document);
  if (problem !== undefined) return problem;
  const found = textAt(source, document);
  if (found === undefined) return `bytes ${source.start} to ${source.end} cut a character in two`;
  if (found !== raw) return `the document does not have the raw text at byte ${source.start}`;
  const expected = normalize(normalization, raw);
  return expected === value
    ? undefined
    : `the value is not what ${normalization} makes of the raw text`;
}

function rangeProblem({ start, end }: SourceRange, document: Uint8Array): string | undefined {
  if (start >= end) return `bytes ${start} to ${end} are an empty range`;
  return end > document.length
    ? `bytes ${start} to ${end} are outside of the document's ${document.length}`
    : undefined;
}

function textAt({ start, end }: SourceRange, document: Uint8Array): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(document.subarray(start, end));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function* encountersOf(record: ClinicalRecord): Generator<[string, Encounter]> {
  const { encounters, encompassingEncounter } = record;
  if (encounters !== 'not-present') {
    for (const [index, encounter] of encounters.entries()) yield [`encounters.${index}`, encounter];
  }
  if (encompassingEncounter !== undefined) yield ['encompassingEncounter', encompassingEncounter];
}

/** Every field of a record with its path in it. */
export function* fieldsOf(value: unknown, path = ''): Generator<[string, Field]> {
  if (typeof value !== 'object' || value === null) return;
  if (isField(value)) {
    yield [path, value];
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    yield* fieldsOf(inner, path === '' ? key : `${path}.${key}`);
  }
}

// A checked record has an object with `raw` nowhere but in a field: every schema object is strict.
function isField(value: object): value is Field {
  return 'raw' in value;
}
