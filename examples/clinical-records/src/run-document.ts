import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdtemp, open, realpath, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CollectReceipt, ExecResult, Manifest, Provider } from '@gantry/core';
import type { RunSandbox } from '@gantry/core/harness';
import type { CatalogDocument } from './catalog.ts';
import { ExtractionFailure } from './extraction-failure.ts';
import type { Extraction } from './job.ts';
import { providerNames } from './options.ts';
import type { ProviderName } from './options.ts';
import { largestResult } from './record-schema.ts';

/** The provider that the job uses, and why those before it were passed over. */
export interface ChosenProvider {
  readonly provider: Provider;
  readonly passedOver: readonly { readonly name: ProviderName; readonly reason: string }[];
}

/** No provider can run on this machine; the message says why for each, and what to do. */
export class NoProvider extends Error {
  override readonly name = 'NoProvider';
}

/** The first provider that can run on this machine, or the one that is asked for. */
export async function chooseProvider(
  wanted: ProviderName | undefined,
  signal: AbortSignal,
): Promise<ChosenProvider> {
  const passedOver: { name: ProviderName; reason: string }[] = [];
  for (const name of wanted === undefined ? providerNames : [wanted]) {
    try {
      const provider = await loadProvider(name);
      await provider.probe({ signal });
      return { provider, passedOver };
    } catch (error) {
      if (signal.aborted) throw error;
      passedOver.push({ name, reason: (error as Error).message });
    }
  }
  const reasons = passedOver.map(({ name, reason }) => `  ${name}: ${reason}`).join('\n');
  throw new NoProvider(`no sandbox can be made on this machine:\n${reasons}`);
}

// A computed name: the job works where the second provider is not installed.
const dockerPackage = '@gantry/provider-docker' as string;

const modules: Readonly<Record<ProviderName, () => Promise<{ readonly default?: unknown }>>> = {
  local: () => import('@gantry/provider-local'),
  docker: () => import(dockerPackage),
};

async function loadProvider(name: ProviderName): Promise<Provider> {
  const specifier = `@gantry/provider-${name}`;
  const module = await modules[name]().catch((error: NodeJS.ErrnoException) => {
    const isMissing =
      error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${specifier}'`);
    throw isMissing ? new Error(`${specifier} is not installed`, { cause: error }) : error;
  });
  if (typeof module.default !== 'function') {
    throw new Error(`${specifier} does not export a provider as its default`);
  }
  return (module.default as () => Provider)();
}

/** What the extractor needs from the host, as real paths: a grant may not have a link in it. */
export interface Tools {
  readonly node: string;
  readonly saxes: string;
  readonly xmlchars: string;
  /** Directory of the extractor's own files. */
  readonly extractor: string;
  /** The file of it that is run. */
  readonly entry: string;
}

// From the sources the extractor is TypeScript, which Node runs as well; from a build, JavaScript.
const extension = path.extname(fileURLToPath(import.meta.url));

/** Finds them on this machine. */
export async function findTools(): Promise<Tools> {
  const own = createRequire(import.meta.url);
  const saxes = await realpath(path.dirname(own.resolve('saxes/package.json')));
  const xmlchars = createRequire(path.join(saxes, 'package.json')).resolve('xmlchars/package.json');
  return {
    node: await realpath(process.execPath),
    saxes,
    xmlchars: await realpath(path.dirname(xmlchars)),
    extractor: fileURLToPath(new URL('guest', import.meta.url)),
    entry: `extract${extension}`,
  };
}

/** What a document's sandbox begins with. */
export function manifestOf(document: CatalogDocument, tools: Tools): Manifest {
  return {
    spec: 'gantry-manifest/1',
    name: 'clinical-record',
    network: { mode: 'none' },
    entries: {
      'input/document': { type: 'localFile', source: document.file, mode: '0444' },
      'package.json': { type: 'file', text: '{"type":"module"}\n' },
      extractor: {
        type: 'localDir',
        source: tools.extractor,
        exclude: ['*.test.ts', '*.d.ts', '*.map'],
      },
      'tools/node': { type: 'hostMount', source: tools.node },
      'node_modules/saxes': { type: 'hostMount', source: tools.saxes },
      'node_modules/xmlchars': { type: 'hostMount', source: tools.xmlchars },
      output: { type: 'output', required: true },
    },
  };
}

const timeoutMs = 60_000;
const resultPath = 'output/result.json';

/** Runs the extractor in a sandbox made of `manifestOf`. Throws `ExtractionFailure` for what is wrong with the document. */
export async function extractIn(
  sandbox: RunSandbox,
  provider: string,
  entry: string,
  signal: AbortSignal,
): Promise<Extraction> {
  const work = await mkdtemp(path.join(tmpdir(), 'clinical-records-'));
  try {
    const run = await sandbox.exec(
      ['./tools/node', `extractor/${entry}`, 'input/document', resultPath],
      { timeoutMs, signal, maxOutputBytes: 64 * 1024 },
    );
    if (!run.ok) throw extractorFailure(run);
    const limits = { maxBytes: largestResult, maxEntries: 16 };
    const collected = await sandbox.collect(work, { ...limits, signal });
    const result = await readResult(work, collected);
    const { exit, durationMs } = run;
    const receipts = {
      provider,
      exec: { exit, durationMs },
      materialized: (await sandbox.receipt()) ?? null,
      // The directory that outputs were fetched to is gone when the document is done.
      collected: { ...collected, destination: null },
    };
    return { result, receipts };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

// EX_DATAERR: the extractor's own word for a document that it cannot read.
const unreadable = 65;

function extractorFailure({ exit, stderr }: ExecResult): ExtractionFailure {
  const lines = stderr.text.split('\n').filter((line) => line.trim() !== '');
  if (exit.code === unreadable) {
    return new ExtractionFailure('unreadable', lines[0] ?? 'the extractor gave no reason');
  }
  const how = exit.code === undefined ? (exit.signal ?? exit.unknown) : `exit code ${exit.code}`;
  const reason = lines.find((line) => /error/i.test(line)) ?? lines[0] ?? 'nothing on stderr';
  return new ExtractionFailure('crashed', `the extractor ended with ${how}: ${reason}`);
}

/** The result's bytes: of a regular file, never through a link, and those that the receipt attests. */
async function readResult(directory: string, receipt: CollectReceipt): Promise<Uint8Array> {
  const entry = receipt.entries.find((one) => one.path === resultPath);
  if (entry?.type !== 'file') {
    throw new ExtractionFailure(
      'invalid-result',
      `the extractor left no regular file ${resultPath}`,
    );
  }
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  await using file = await open(path.join(directory, resultPath), flags);
  const bytes = await file.readFile();
  if (createHash('sha256').update(bytes).digest('hex') !== entry.sha256) {
    throw new ExtractionFailure('sandbox', `${resultPath} is not what its receipt says`);
  }
  return bytes;
}
