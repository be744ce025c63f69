import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCatalog } from './catalog.ts';
import type { CatalogDocument } from './catalog.ts';
import { checkResult } from './check-result.ts';
import { makeMalformed } from './malformed.ts';
import { durableExtraction, openHarness } from './durable-extraction.ts';
import type { Extracted, Extraction } from './job.ts';
import { chooseProvider } from './run-document.ts';

let output: string;
const signal = new AbortController().signal;

beforeAll(async () => {
  output = await mkdtemp(path.join(tmpdir(), 'clinical-records-run-'));
});

afterAll(async () => {
  await rm(output, { recursive: true });
});

async function find(name: string): Promise<CatalogDocument> {
  const { documents } = await readCatalog();
  const document = documents.find((one) => one.name === name);
  if (document === undefined) throw new Error(`the catalog has no ${name}`);
  return document;
}

/** Extracts one document as a run of its own. */
async function extract(document: CatalogDocument, signal: AbortSignal): Promise<Extraction> {
  const { provider } = await chooseProvider(undefined, signal);
  await using open = await openHarness(output, provider);
  const extractAll = durableExtraction(open.harness, provider, randomUUID(), signal);
  const found: Extracted['extraction'][] = [];
  await extractAll([document], 1, async (_, { extraction }) => {
    found.push(extraction);
  });
  const [extraction] = found;
  if (extraction === undefined || extraction instanceof Error) {
    throw extraction ?? new Error('nothing was told');
  }
  return extraction;
}

describe('in a sandbox', () => {
  test('a document is extracted, and the receipts attest what went in and came out', async () => {
    const document = await find('parser-ccd/SampleCCDDocument');
    const { result, receipts } = await extract(document, signal);
    const checked = checkResult(result, await readFile(document.file), document);
    expect(checked.fields).toBe(17);
    expect(receipts).toMatchObject({
      exec: { exit: { code: 0 } },
      materialized: {
        spec: 'gantry-receipt/1',
        entries: expect.arrayContaining([
          expect.objectContaining({ path: 'input/document', sha256: document.sha256 }),
        ]) as unknown,
      },
      collected: {
        spec: 'gantry-collect/1',
        entries: expect.arrayContaining([
          expect.objectContaining({ path: 'output/result.json', size: result.length }),
        ]) as unknown,
      },
    });
  });

  test('a malformed document is refused with the reason, as a failure of the document', async () => {
    const document = await makeMalformed(await find('example/CCD_1'), output);
    await expect(extract(document, signal)).rejects.toMatchObject({
      kind: 'unreadable',
      message: expect.stringMatching(/^malformed XML at \d+:\d+: unclosed tag/) as unknown,
    });
  });

  test('an abort ends the run with the abort, not with a failed document', async () => {
    const stop = new AbortController();
    const document = await find('example/CCD_1');
    const running = extract(document, stop.signal);
    stop.abort(new Error('enough'));
    await expect(running).rejects.not.toMatchObject({ name: 'ExtractionFailure' });
  });
});

describe('the program', () => {
  const program = path.join(import.meta.dirname, 'main.ts');
  const run = promisify(execFile);

  test('--json prints one report and nothing else on standard output', async () => {
    const parameters = [program, '--json', '--only', 'example/C32', '--output', output];
    const { stdout, stderr } = await run(process.execPath, parameters);
    const report = JSON.parse(stdout) as { success: boolean; documents: { name: string }[] };
    expect(report.success).toBe(true);
    expect(report.documents.map(({ name }) => name)).toEqual(['example/C32']);
    expect(stderr).toMatch(/^provider: \w+$/m);
    expect(JSON.parse(await readFile(path.join(output, 'report.json'), 'utf8'))).toEqual(report);
  });

  test.each<[string[], number, RegExp]>([
    [['--concurrency', 'many'], 64, /--concurrency must be a number from 1 to 64, not "many"/],
    [['--only', 'nobody'], 64, /no document has "nobody" in its name/],
  ])('%j ends with exit code %i and a sentence', async (parameters, code, message) => {
    const line = [program, '--output', output, ...parameters];
    await expect(run(process.execPath, line)).rejects.toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringMatching(message) as unknown,
    });
  });

  test('--chaos: killed midway, it goes on to the same results and a verified record', async () => {
    const parameters = [
      program,
      '--chaos',
      '--only',
      'example',
      '--output',
      path.join(output, 'wild'),
    ];
    const { stdout } = await run(process.execPath, parameters);
    expect(stdout).toMatch(
      /^process 1 had two sandboxes ended under it, and was killed after 3 more/m,
    );
    expect(stdout).toMatch(/^went on to the end: exit code 0, \d+ sandboxes reaped, 0 left$/m);
    expect(stdout).toMatch(/^results [0-9a-f]{16} \(\d+ files\): the same$/m);
    expect(stdout).toMatch(/^provenance chain verified: \d+ events, [1-9] processes killed$/m);
  });

  test('--help says what there is', async () => {
    const { stdout } = await run(process.execPath, [program, '--help']);
    expect(stdout).toMatch(/^Usage: clinical-records \[options\]/);
  });
});
