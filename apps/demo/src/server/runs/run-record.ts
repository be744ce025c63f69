import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileNameOf, makeMalformed, readCatalog } from '@gantry/example-clinical-records';
import type { CatalogDocument, RecordFormat } from '@gantry/example-clinical-records';
import { z } from 'zod';
import { runSettings } from '../../protocol/runs.ts';
import type { RunDocument, RunSettings } from '../../protocol/runs.ts';

/** Where runs are kept below the state directory: one journal, one key, and a directory for each run. */
export interface RunPlaces {
  readonly directory: string;
  readonly journal: string;
  readonly signing: string;
  /** Snapshots, shared with everything else that this server does. */
  readonly snapshots: string;
}

/** The places of the runs of a state directory. The signing key lies beside the journal, not in it. */
export function runPlaces(state: string): RunPlaces {
  const directory = path.join(state, 'runs');
  return {
    directory,
    journal: path.join(directory, 'harness', 'journal'),
    signing: path.join(directory, 'harness', 'signing'),
    snapshots: path.join(state, 'snapshots'),
  };
}

/** One document of a run, and its file on this machine. */
export interface RecordedDocument extends RunDocument {
  readonly format: RecordFormat;
  readonly file: string;
}

/** What the server knows of a run before and beside its journal. */
export interface RunRecord {
  readonly spec: 'gantry-demo-run/1';
  readonly id: string;
  readonly createdAt: number;
  readonly request: RunSettings;
  readonly documents: readonly RecordedDocument[];
}

const recordSchema: z.ZodType<RunRecord> = z.object({
  spec: z.literal('gantry-demo-run/1'),
  id: z.string(),
  createdAt: z.number(),
  request: runSettings,
  documents: z.array(
    z.object({
      name: z.string(),
      format: z.enum(['c-cda', 'c32', 'ccd', 'va-blue-button', 'cms-blue-button']),
      bytes: z.number(),
      sha256: z.string(),
      expected: z.enum(['record', 'malformed']),
      wave: z.string(),
      index: z.number(),
      file: z.string(),
    }),
  ),
});

/** The directory of one run. */
export function runDirectory({ directory }: RunPlaces, id: string): string {
  return path.join(directory, id);
}

/** Writes a run's record. */
export async function writeRecord(places: RunPlaces, record: RunRecord): Promise<void> {
  const directory = runDirectory(places, record.id);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'run.json');
  await writeFile(`${file}.new`, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** A run's record; `undefined` where this server began no such run. */
export async function readRecord(places: RunPlaces, id: string): Promise<RunRecord | undefined> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) return undefined;
  try {
    const text = await readFile(path.join(runDirectory(places, id), 'run.json'), 'utf8');
    return recordSchema.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The sample records with `only` in their name, and one that is cut in the middle and must be refused. Each format is a wave of
 * its own: a fan-out, and a checkpoint behind it.
 */
export async function chooseDocuments(
  places: RunPlaces,
  only: string | undefined,
): Promise<readonly RecordedDocument[]> {
  const { documents } = await readCatalog();
  const whole = documents.find(({ format }) => format === 'c-cda');
  const inputs = path.join(places.directory, 'inputs');
  const all = whole ? [...documents, await makeMalformed(whole, inputs)] : documents;
  const wanted = only?.toLowerCase() ?? '';
  const chosen = all.filter(({ name }) => name.toLowerCase().includes(wanted));
  const waves = Map.groupBy(chosen, ({ format }) => format);
  return [...waves].flatMap(([wave, members]) =>
    members.map((member, index) => recorded(member, wave, index)),
  );
}

function recorded(document: CatalogDocument, wave: string, index: number): RecordedDocument {
  const { name, format, bytes, sha256, expected, file } = document;
  return { name, format, bytes, sha256, expected, wave, index, file };
}

/** A document as the page sees it: without its place on this machine. */
export function shownDocument({ file: _file, ...document }: RecordedDocument): RunDocument {
  return document;
}

/** What the job's own functions know a document by. */
export function catalogDocument(document: RecordedDocument): CatalogDocument {
  const { name, file, format, sha256, bytes, expected } = document;
  return { name, file, path: name, aliases: [], format, sha256, bytes, expected };
}

/** The name of a document's result in the run's workspace. */
export function resultName({ name }: Pick<RecordedDocument, 'name'>): string {
  return `results/${fileNameOf(name)}.json`;
}
