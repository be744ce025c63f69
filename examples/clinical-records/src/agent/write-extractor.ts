import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgent } from '@gantry/agent';
import type { Manifest, ManifestEntry, Provider } from '@gantry/core';
import type { Run } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import type { CatalogDocument } from '../catalog.ts';
import { readCatalog } from '../catalog.ts';
import { openHarness } from '../durable-extraction.ts';
import { findTools, type Tools } from '../run-document.ts';
import { checkTool, sampleName } from './check-tool.ts';
import { chooseModel } from './choose-model.ts';

const sources = fileURLToPath(new URL('../../src/', import.meta.url));

const task = `Write a program that reads clinical records. TASK.md says what is wanted of it. When check_results verifies every sample, end.`;

const taskText = `# The extractor

\`./tools/node extractor/extract.js DOCUMENT RESULT\` reads a document and writes one JSON record, as \`format/record.ts\` defines it.

- Plain JavaScript modules (or TypeScript with erasable types, then \`extractor/extract.ts\`), below \`extractor/\`. The package \`saxes\` is there; nothing else is, and there is no network.
- Every field has the byte offsets in the document that it was read from; \`format/normalize.ts\` has the normalizations there are, by name.
- A document that it cannot read: one line on standard error, exit code 65, and no result.
- \`samples/\` has a document of each kind. Write each result to \`results/NAME.json\`, NAME being the sample's, then call check_results:
  the host looks every value up in the document, and says what it does not find.
`;

/** Where the extractor is that a model wrote, on this machine. */
export type WrittenExtractor = Pick<Tools, 'extractor' | 'entry'>;

/**
 * Has a model write the extractor, as a durable run of its own: it works in a sandbox with some samples and without network,
 * and what it leaves there is fetched. Nothing of it ever runs on this machine but in sandboxes.
 */
export async function writeExtractor(
  provider: Provider,
  output: string,
  id: string,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<WrittenExtractor> {
  const { model, told } = await chooseModel(process.env);
  tell(told);
  const samples = await chooseSamples();
  const manifest = workshopManifest(samples, await findTools());
  const store = directoryStore(path.resolve(output, 'harness/snapshots'));
  await using open = await openHarness(output, provider, { store });
  const fetched = path.resolve(output, 'agent', id);
  const outcome = await open.harness.run(
    'clinical-records-agent',
    { id, sandbox: { manifest }, signal },
    async (run: Run) => {
      const tools = [checkTool(run.sandbox.files, samples)];
      const agent = createAgent({
        model,
        manifest,
        tools,
        toolset: { limits: { outputTokens: 20_000 } },
      });
      const said = await agent.run(run, task);
      await run.step('fetch', async () => {
        await rm(fetched, { recursive: true, force: true });
        await run.sandbox.collect(fetched, {
          outputs: ['extractor'],
          maxEntries: 500,
          maxBytes: 16 * 1024 * 1024,
        });
      });
      return said;
    },
  );
  if (outcome.status !== 'finished') throw new Error(`run ${id} is ${outcome.status}`);
  const { text, turns, toolCalls, status } = outcome.value;
  tell(
    `${status} after ${turns} turns and ${toolCalls} calls of tools: ${text.trim().slice(0, 500)}`,
  );
  const extractor = path.join(fetched, 'extractor');
  const entry = (await readdir(extractor)).find((name) => /^extract\.[jt]s$/.test(name));
  if (entry === undefined)
    throw new Error(`the model left no extract.js or extract.ts in ${extractor}`);
  tell(`the extractor is in ${extractor}; every document is now read by it`);
  return { extractor, entry };
}

/** The smallest document of each format: enough to see what a format is like. */
async function chooseSamples(): Promise<readonly CatalogDocument[]> {
  const { documents } = await readCatalog();
  const smallest = new Map<string, CatalogDocument>();
  for (const document of documents.toSorted((a, b) => b.bytes - a.bytes)) {
    smallest.set(document.format, document);
  }
  return [...smallest.values()];
}

function workshopManifest(samples: readonly CatalogDocument[], tools: Tools): Manifest {
  const entries: Record<string, ManifestEntry> = {
    'TASK.md': { type: 'file', text: taskText },
    'package.json': { type: 'file', text: '{"type":"module"}\n' },
    'format/record.ts': { type: 'localFile', source: path.join(sources, 'guest/record.ts') },
    'format/normalize.ts': { type: 'localFile', source: path.join(sources, 'guest/normalize.ts') },
    'tools/node': { type: 'hostMount', source: tools.node },
    'node_modules/saxes': { type: 'hostMount', source: tools.saxes },
    'node_modules/xmlchars': { type: 'hostMount', source: tools.xmlchars },
    extractor: { type: 'output', required: true },
  };
  for (const document of samples) {
    entries[`samples/${sampleName(document)}`] = {
      type: 'localFile',
      source: document.file,
      mode: '0444',
    };
  }
  return {
    spec: 'gantry-manifest/1',
    name: 'clinical-records-agent',
    network: { mode: 'none' },
    entries,
  };
}
