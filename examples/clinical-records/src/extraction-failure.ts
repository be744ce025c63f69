/**
 * Why a document has no result: the extractor refused it (`unreadable`) or broke down (`crashed`), its
 * result is not a record (`invalid-result`), a field is not where it is said to be (`unverified`), or
 * the sandbox did not do its part (`sandbox`).
 */
export type FailureKind = 'unreadable' | 'crashed' | 'invalid-result' | 'unverified' | 'sandbox';

/** A document that has no result that can be relied on. */
export class ExtractionFailure extends Error {
  override readonly name = 'ExtractionFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
