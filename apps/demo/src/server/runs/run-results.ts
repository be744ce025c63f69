import { readFile } from 'node:fs/promises';
import { SandboxError } from '@gantry/core';
import type { Harness } from '@gantry/core/harness';
import { checkResult, fieldsOf } from '@gantry/example-clinical-records';
import { z } from 'zod';
import type { DocumentFields, DocumentResult } from '../../protocol/runs.ts';
import { branchValueSchema } from './run-job.ts';
import type { RecordedDocument, RunRecord } from './run-record.ts';

const branchRecordSchema = z.object({
  attempts: z.number(),
  provider: z.string().optional(),
  value: branchValueSchema.optional(),
});

type BranchRecord = z.infer<typeof branchRecordSchema>;

/** What the branches of runs have recorded. A recorded event never changes, so it is read once. */
export class RunResults {
  readonly #harness: Harness;
  readonly #known = new Map<string, BranchRecord>();

  constructor(harness: Harness) {
    this.#harness = harness;
  }

  /** What became of each document so far. */
  async list(record: RunRecord): Promise<readonly DocumentResult[]> {
    const found: DocumentResult[] = [];
    for (const [scope, sequence] of await this.recorded(record.id)) {
      const document = documentOf(record, scope);
      const recorded = document && (await this.#read(record.id, sequence));
      if (document && recorded) found.push(resultOf(document, recorded));
    }
    return found;
  }

  /** The fields of one document, checked once more against its bytes. */
  async fields(record: RunRecord, name: string): Promise<DocumentFields> {
    const document = findDocument(record, name);
    for (const [scope, sequence] of await this.recorded(record.id)) {
      if (documentOf(record, scope) !== document) continue;
      const result = (await this.#read(record.id, sequence))?.value?.result;
      if (result === undefined) break;
      const source = await readFile(document.file);
      const checked = checkResult(Buffer.from(result, 'base64'), source, document);
      const fields = [...fieldsOf(checked.record)].map(([path, field]) => ({
        path,
        value: field.value,
        raw: field.raw,
        normalization: field.normalization,
        ...field.source,
      }));
      return { document: name, bytes: document.bytes, sha256: document.sha256, fields };
    }
    throw new SandboxError('not-found', `run ${record.id} has no record of ${name}`, {
      operation: 'runs.fields',
    });
  }

  /** The bytes of a document, as the run's sandboxes were given them. */
  async source(record: RunRecord, name: string): Promise<Uint8Array> {
    return readFile(findDocument(record, name).file);
  }

  /** Whether the results of a run were released. */
  async released(id: string): Promise<boolean> {
    let released = false;
    for await (const { type, step, superseded } of this.#harness.events(id)) {
      if (step === 'release' && type === 'tool.call' && !superseded) released = true;
    }
    return released;
  }

  /** The event with each branch's result, by the branch's scope. */
  async recorded(id: string): Promise<ReadonlyMap<string, number>> {
    const recorded = new Map<string, number>();
    for await (const { type, scope, sequence } of this.#harness.events(id)) {
      if (type === 'branch.recorded' && scope !== undefined) recorded.set(scope, sequence);
    }
    return recorded;
  }

  async #read(id: string, sequence: number): Promise<BranchRecord | undefined> {
    const key = `${id}/${sequence}`;
    const known = this.#known.get(key);
    if (known) return known;
    const body = await this.#harness.body(id, sequence);
    // Erased: the events are there, what they recorded is not.
    if (body === undefined) return undefined;
    const record = branchRecordSchema.parse(body);
    this.#known.set(key, record);
    return record;
  }
}

function resultOf(
  document: RecordedDocument,
  { attempts, provider, value }: BranchRecord,
): DocumentResult {
  const { milliseconds = 0, fields = 0, encounters, failure } = value ?? {};
  const status =
    failure === undefined ? 'verified' : failure.kind === 'unreadable' ? 'refused' : 'failed';
  return {
    ...{ document: document.name, status, fields, milliseconds, attempts },
    ...(encounters === undefined ? {} : { encounters }),
    ...(provider === undefined ? {} : { provider }),
    ...(failure === undefined ? {} : { message: failure.message }),
  };
}

/** The document of a branch, whose scope is `ORDINAL:WAVE/INDEX`. */
function documentOf({ documents }: RunRecord, scope: string): RecordedDocument | undefined {
  const [, wave, index] = /^\d+:(.+)\/(\d+)$/.exec(scope) ?? [];
  return documents.find((each) => each.wave === wave && each.index === Number(index));
}

function findDocument({ id, documents }: RunRecord, name: string): RecordedDocument {
  const found = documents.find((document) => document.name === name);
  if (found) return found;
  throw new SandboxError('not-found', `run ${id} has no document ${name}`, { operation: 'runs' });
}
