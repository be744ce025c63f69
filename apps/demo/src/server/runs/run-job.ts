import { mkdir, readFile, rm } from 'node:fs/promises';
import { SandboxError } from '@gantry/core';
import type { Manifest } from '@gantry/core';
import type { Branch, BranchResult, Policy, Run, RunFunction } from '@gantry/core/harness';
import {
  checkResult,
  ExtractionFailure,
  extractIn,
  manifestOf,
} from '@gantry/example-clinical-records';
import type { FailureKind, Tools } from '@gantry/example-clinical-records';
import { z } from 'zod';
import { catalogDocument, resultName } from './run-record.ts';
import type { RecordedDocument, RunRecord } from './run-record.ts';

/** The name of the run, under which another process goes on with it. */
export const jobName = 'clinical-records';

/** One document's result, as its branch records it: what the guest wrote, checked; or why there is none. */
export interface BranchValue {
  readonly milliseconds: number;
  /** Base64. */
  readonly result?: string | undefined;
  readonly fields: number;
  readonly encounters?: number | undefined;
  readonly failure?: { readonly kind: FailureKind; readonly message: string } | undefined;
}

export const branchValueSchema: z.ZodType<BranchValue> = z.object({
  milliseconds: z.number(),
  result: z.base64().optional(),
  fields: z.number(),
  encounters: z.number().optional(),
  failure: z
    .object({
      kind: z.enum(['unreadable', 'crashed', 'invalid-result', 'unverified', 'sandbox']),
      message: z.string(),
    })
    .optional(),
});

/** What the run's own workspace begins with. Its results are gathered there, wave by wave. */
export const workspaceManifest: Manifest = {
  spec: 'gantry-manifest/1',
  name: 'clinical-results',
  network: { mode: 'none' },
  entries: {
    'README.md': {
      type: 'file',
      text: '# Results\n\nOne JSON record for each clinical document, gathered wave by wave.\n',
    },
  },
};

/** Asks a person before results leave the run. */
export function policyOf({ request }: RunRecord): Policy {
  return request.approval ? { rules: [{ action: 'ask', tool: 'release *' }] } : {};
}

/** What the run needs of this machine. */
export interface JobSetting {
  readonly record: RunRecord;
  readonly tools: Tools;
  /** Where released results go. */
  readonly released: string;
}

/**
 * The job of examples/clinical-records as one durable run: each format is a fan-out with a fresh sandbox for each document, and
 * what it brings is gathered into the run's own workspace, which is committed by a checkpoint after each wave.
 */
export function clinicalRun(setting: JobSetting): RunFunction<unknown> {
  const { documents, request } = setting.record;
  const { holdSeconds, concurrency, providers } = request;
  return async (run) => {
    const totals = { records: 0, fields: 0, refused: 0 };
    for (const [wave, members] of Map.groupBy(documents, (document) => document.wave)) {
      const results = await run.fanOut(
        wave,
        members,
        (branch, document) => extract(branch, document, setting),
        {
          concurrency,
          // Somebody is about to kill sandboxes by hand.
          attempts: 50,
          sandbox: (document) => ({
            manifest: manifestOf(catalogDocument(document), setting.tools),
          }),
          route: providers.length > 1 ? 'spread' : 'first',
        },
      );
      const gathered = await run.step(
        `gather ${wave}`,
        () => gather(run, members, results, holdSeconds),
        { schema: gatheredSchema },
      );
      totals.records += gathered.records;
      totals.fields += gathered.fields;
      totals.refused += members.length - gathered.records;
    }
    const sums = await run.step('digest results', async () => {
      const { stdout, ok, stderr } = await run.sandbox.exec(
        'sha256sum results/*.json | tee SHA256SUMS',
      );
      if (!ok) throw new Error(`the results cannot be digested: ${stderr.text.slice(0, 200)}`);
      return stdout.text.split('\n').filter((line) => line !== '').length;
    });
    const released = await run.step('release', ({ tool }) =>
      release(run, { ...totals, files: sums }, setting.released, tool),
    );
    return { ...totals, released };
  };
}

const gatheredSchema = z.object({ records: z.number(), fields: z.number() });

async function extract(
  branch: Branch,
  document: RecordedDocument,
  { record, tools }: JobSetting,
): Promise<BranchValue> {
  const { holdSeconds } = record.request;
  if (holdSeconds > 0) await branch.step('hold', () => hold(branch, holdSeconds));
  return branch.step('extract', async () => {
    const started = performance.now();
    const elapsed = (): number => Math.round(performance.now() - started);
    try {
      const { provider } = await branch.sandbox.ref();
      const { result } = await extractIn(branch.sandbox, provider, tools.entry, branch.signal);
      const source = await readFile(document.file);
      const { record: found, fields } = checkResult(result, source, document);
      const { encounters } = found;
      return branchValueSchema.parse({
        milliseconds: elapsed(),
        result: Buffer.from(result).toString('base64'),
        fields,
        ...(encounters === 'not-present' ? {} : { encounters: encounters.length }),
      });
    } catch (error) {
      // A document that cannot be extracted is a result too; what went wrong around it is tried again.
      if (!(error instanceof ExtractionFailure)) throw error;
      const { kind, message } = error;
      return { milliseconds: elapsed(), fields: 0, failure: { kind, message } };
    }
  });
}

/** Waits inside the sandbox, so that its end is noticed at once. */
async function hold(
  { sandbox, signal }: Pick<Branch, 'sandbox' | 'signal'>,
  seconds: number,
): Promise<void> {
  const { exit } = await sandbox.exec(['sleep', String(seconds)], { signal });
  if (exit.code === 0) return;
  throw new SandboxError('unavailable', `the sandbox did not wait: ${JSON.stringify(exit)}`, {
    operation: 'hold',
    retryable: true,
  });
}

async function gather(
  run: Run,
  members: readonly RecordedDocument[],
  results: readonly BranchResult<BranchValue>[],
  holdSeconds: number,
): Promise<z.infer<typeof gatheredSchema>> {
  if (holdSeconds > 0) await hold(run, Math.min(1, holdSeconds));
  let records = 0;
  let fields = 0;
  for (const [index, document] of members.entries()) {
    const found = results[index];
    if (found?.status !== 'fulfilled') continue;
    const { result, fields: verified } = branchValueSchema.parse(found.value);
    if (result === undefined) continue;
    await run.sandbox.files.write(resultName(document), Buffer.from(result, 'base64'));
    records += 1;
    fields += verified;
  }
  return { records, fields };
}

/** Fetches the results out of the run, if a person allows it where one is asked. */
async function release(
  run: Run,
  totals: Readonly<Record<string, number>>,
  destination: string,
  tool: Parameters<Parameters<Run['step']>[1]>[0]['tool'],
): Promise<boolean> {
  try {
    await tool('release', totals, async () => {
      await rm(destination, { recursive: true, force: true });
      await mkdir(destination, { recursive: true, mode: 0o700 });
      await run.sandbox.collect(destination, { outputs: ['results', 'SHA256SUMS'] });
      return totals;
    });
    return true;
  } catch (error) {
    // Denied: the run ends well, and its results stay in its last checkpoint.
    if (SandboxError.is(error) && error.code === 'permission-denied') return false;
    throw error;
  }
}
