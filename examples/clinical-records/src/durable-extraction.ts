import path from 'node:path';
import { createHarness, fileSigner, sqliteJournal } from '@gantry/core/harness';
import type { Branch, BranchResult, Harness, HarnessOptions } from '@gantry/core/harness';
import type { Provider } from '@gantry/core';
import { z } from 'zod';
import type { CatalogDocument } from './catalog.ts';
import { ExtractionFailure } from './extraction-failure.ts';
import type { ExtractAll, Extracted } from './job.ts';
import { extractIn, findTools, manifestOf, type Tools } from './run-document.ts';

/** Where the job's runs are recorded, and the harness that records them. Dispose it. */
export interface JobHarness extends AsyncDisposable {
  readonly harness: Harness;
}

/** Opens the journal below the output directory. The signing key lies beside the journal's directory, not in it. */
export async function openHarness(
  output: string,
  provider: Provider,
  more: Pick<HarnessOptions, 'onEvent' | 'store'> = {},
): Promise<JobHarness> {
  const journal = sqliteJournal(path.resolve(output, 'harness/journal'));
  const harness = createHarness({
    journal,
    providers: { [provider.id]: provider },
    signer: await fileSigner(path.resolve(output, 'harness/signing')),
    ...more,
  });
  return { harness, [Symbol.asyncDispose]: () => journal.close() };
}

// What a branch records: the result as the guest wrote it, or why there is none.
const recorded = z.object({
  milliseconds: z.number(),
  result: z.base64().optional(),
  receipts: z.record(z.string(), z.json()).optional(),
  failure: z
    .object({
      kind: z.enum(['unreadable', 'crashed', 'invalid-result', 'unverified', 'sandbox']),
      message: z.string(),
    })
    .optional(),
});

type Recorded = z.infer<typeof recorded>;

/**
 * Extracts documents as one durable run, each in a branch with a fresh sandbox without network. The run may be interrupted and
 * gone on with under the same id, by any process: what was recorded is not extracted again. `extractor` is another than the
 * job's own.
 */
export function durableExtraction(
  harness: Harness,
  provider: Provider,
  id: string,
  signal: AbortSignal,
  extractor: Partial<Pick<Tools, 'extractor' | 'entry'>> = {},
): ExtractAll {
  return async (documents, concurrency, told) => {
    const tools = { ...(await findTools()), ...extractor };
    const tell = once(told);
    const defects: unknown[] = [];
    const input = { documents: documents.map(({ name, sha256 }) => ({ name, sha256 })) };
    const extract = async (
      branch: Branch,
      _document: CatalogDocument,
      index: number,
    ): Promise<Recorded> => {
      const found = await branch.step('extract', () =>
        extractRecorded(branch, provider.id, tools.entry),
      );
      // What the teller finds wrong is wrong with the job, not with this branch.
      await tell(index, extractedOf(found)).catch((error: unknown) => defects.push(error));
      return found;
    };
    const outcome = await harness.run('clinical-records', { id, input, signal }, async (run) => {
      const results = await run.fanOut('documents', documents, extract, {
        concurrency,
        attempts: 10,
        sandbox: (document) => ({ manifest: manifestOf(document, tools) }),
      });
      return results.map(recordOf);
    });
    if (defects.length > 0) throw defects[0];
    if (outcome.status !== 'finished') throw new Error(`run ${id} is ${outcome.status}`);
    for (const [index, found] of outcome.value.entries()) {
      await tell(index, extractedOf(recorded.parse(found)));
    }
  };
}

/** A document that cannot be extracted is a result too; what went wrong around it is tried again. */
async function extractRecorded(branch: Branch, provider: string, entry: string): Promise<Recorded> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  try {
    const { result, receipts } = await extractIn(branch.sandbox, provider, entry, branch.signal);
    return recorded.parse({
      milliseconds: elapsed(),
      result: Buffer.from(result).toString('base64'),
      receipts,
    });
  } catch (error) {
    if (!(error instanceof ExtractionFailure)) throw error;
    return { milliseconds: elapsed(), failure: { kind: error.kind, message: error.message } };
  }
}

function recordOf(result: BranchResult<Recorded>): Recorded {
  if (result.status === 'fulfilled') return result.value;
  const { code, message } = result.reason;
  return { milliseconds: 0, failure: { kind: 'sandbox', message: `${code}: ${message}` } };
}

function extractedOf({ milliseconds, result, receipts, failure }: Recorded): Extracted {
  if (failure) {
    return { milliseconds, extraction: new ExtractionFailure(failure.kind, failure.message) };
  }
  const bytes = Buffer.from(result ?? '', 'base64');
  return { milliseconds, extraction: { result: bytes, receipts: receipts ?? {} } };
}

/** Each document is told once, though a recorded one comes again when the run is gone on with. */
function once(told: Parameters<ExtractAll>[2]): Parameters<ExtractAll>[2] {
  const before = new Set<number>();
  return async (index, extracted) => {
    if (before.has(index)) return;
    before.add(index);
    await told(index, extracted);
  };
}
