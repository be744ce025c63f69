/** The parts of the job, for programs that run it in another way. */
export { fileNameOf, readCatalog } from './catalog.ts';
export type { CatalogDocument } from './catalog.ts';
export { checkResult } from './check-result.ts';
export { ExtractionFailure } from './extraction-failure.ts';
export type { FailureKind } from './extraction-failure.ts';
export type { ClinicalRecord, Field, RecordFormat } from './guest/record.ts';
export { makeMalformed } from './malformed.ts';
export { extractIn, findTools, manifestOf } from './run-document.ts';
export type { Tools } from './run-document.ts';
export { fieldsOf } from './verify.ts';
