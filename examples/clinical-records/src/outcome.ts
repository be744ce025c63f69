import type { CatalogDocument } from './catalog.ts';
import type { Agreement } from './compare/compare.ts';
import type { FailureKind } from './extraction-failure.ts';
import type { ClinicalRecord } from './guest/record.ts';

/** What became of one document. */
export interface DocumentOutcome {
  readonly document: CatalogDocument;
  /** From making the sandbox to the checked result. */
  readonly milliseconds: number;
  readonly record?: ClinicalRecord;
  /** Number of fields found at their offsets. */
  readonly fields?: number;
  readonly failure?: { readonly kind: FailureKind; readonly message: string };
}

/** Agreement with one of the package's own results. */
export interface ResultAgreement extends Agreement {
  readonly generated: string;
  /** Name of the document. */
  readonly document: string;
}

/** Whether a document ended as it should: a record, or for the malformed one a refusal. */
export function isAsExpected({ document, failure }: DocumentOutcome): boolean {
  return document.expected === 'record' ? failure === undefined : failure?.kind === 'unreadable';
}
